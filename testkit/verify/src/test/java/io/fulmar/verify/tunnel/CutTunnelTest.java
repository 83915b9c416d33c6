package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.FulmarException;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.OpenReverseTunnel;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.TunnelStatus;
import io.fulmar.tunnel.UserKey;
import io.fulmar.verify.fixture.EngineUnderTest;
import io.fulmar.verify.fixture.Queries;
import io.fulmar.verify.fixture.SshServerUnderTest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Syncs through a tunnel that is cut 20 times while they run: 4,000 rows of 100 bytes, of which a
 * tenth changes and a tenth is removed. Each cut comes after so many bytes, wherever the run then
 * is; a run that fails is begun again, as a scheduler does. The destination notes what it got.
 */
@DisplayName("P1, P2: a tunnel that is cut loses nothing")
class CutTunnelTest extends TunnelFixture {
  private static final int MOST_RUNS = 60;
  private static final int ROWS = 4_000;
  private static final long BYTES_BETWEEN = 600_000;

  private int runs;
  private int failedRuns;

  CutTunnelTest() {
    kind = SshServerUnderTest.OPENSSH;
  }

  @BeforeEach
  void fill() throws SQLException {
    database.execute(
        "create table item (id int primary key, v text not null)",
        "insert into item select i, md5(i::text) || repeat('x', 68) from generate_series(1, %s) i"
            .formatted(ROWS));
  }

  private Sync crm() {
    return sync("select id, v from item").onRemoved(Removal.DELETE).build();
  }

  @ParameterizedTest
  @EnumSource(EngineUnderTest.class)
  void forwardTunnelThatIsCutLosesNothing(EngineUnderTest engine) throws Exception {
    engine.prepare(database);
    ForwardTunnel tunnel = forward().build();
    Source through = source().tunnel(tunnel).build();
    run(engine, through, () -> bytes(tunnel.status()), forwardCuts());
    assertThat(tunnel.status().sshConnections()).isZero();
  }

  @ParameterizedTest
  @EnumSource(EngineUnderTest.class)
  void reverseTunnelThatIsCutLosesNothing(EngineUnderTest engine) throws Exception {
    engine.prepare(database);
    try (OpenReverseTunnel tunnel =
        SshTunnel.reverse(server.host())
            .port(server.port())
            .user(server.user())
            .key(UserKey.file(key.file()))
            .hostKeys(HostKeys.fingerprint(server.fingerprint()))
            .listen(0)
            .to(database.host(), database.port())
            .build()
            .open()) {
      tunnel.awaitUp(SOON);
      Source through = source().host("127.0.0.1").port(tunnel.port()).build();
      run(engine, through, () -> bytes(tunnel.status()), reverseCuts());
      assertThat(tunnel.status().sshConnections()).isGreaterThan(reverseCuts());
    }
  }

  /** How often a forward tunnel is cut. */
  int forwardCuts() {
    return 20;
  }

  /** How often a reverse tunnel is cut: each takes longer, for nobody waits who could hurry it. */
  int reverseCuts() {
    return 3;
  }

  private static long bytes(TunnelStatus status) {
    return status.sentBytes() + status.receivedBytes();
  }

  private void run(EngineUnderTest kind, Source through, LongSupplier bytes, int cuts)
      throws Exception {
    Path state = Files.createDirectory(directory.resolve("state"));
    try (SyncEngine engine = kind.on(through, state);
        Cutter cutter = new Cutter(bytes, cuts)) {
      untilAllIsThere(engine);
      database.execute(
          "update item set v = 'changed ' || v where id % 10 = 1",
          "delete from item where id % 10 = 2");
      untilAllIsThere(engine);
      while (cutter.left() > 0) {
        database.execute("update item set v = md5(v) || repeat('x', 68)");
        untilAllIsThere(engine);
      }
      assertThat(cutter.cut()).isEqualTo(cuts);
      assertThat(engine.run(crm()).throwIfFailed().total().planned())
          .as("all is accepted and known to be")
          .isZero();
    }
    System.out.println(
        "%s of %s: %s cuts, %s runs, %s of them failed, %s changes sent, 0 lost, 0 wrongly acknowledged"
            .formatted(
                getClass().getSimpleName(),
                kind,
                cuts,
                runs,
                failedRuns,
                destination.changes().size()));
  }

  /** Runs again and again until a run has succeeded; nobody helps. */
  private void untilAllIsThere(SyncEngine engine) throws SQLException {
    SyncReport report = engine.run(crm());
    int tries = 1;
    while (report.status() != RunStatus.SUCCEEDED) {
      assertThat(tries).as(report.problem().orElse("")).isLessThan(MOST_RUNS);
      report = again(engine, report);
      tries++;
    }
    runs += tries;
    failedRuns += tries - 1;
    assertThat(held()).isEqualTo(expected());
  }

  private SyncReport again(SyncEngine engine, SyncReport last) {
    try {
      return engine.run(crm());
    } catch (FulmarException e) {
      // No run came about: the tunnel was down just then.
      return last;
    }
  }

  private Map<Integer, String> held() {
    Map<Integer, String> held = new TreeMap<>();
    for (Map.Entry<List<@Nullable String>, Row> each : destination.contents().entrySet()) {
      held.put(Integer.valueOf(each.getKey().get(0)), each.getValue().text("v"));
    }
    return held;
  }

  private Map<Integer, String> expected() throws SQLException {
    Map<Integer, String> expected = new TreeMap<>();
    for (String line :
        Queries.first(database, "select string_agg(id || ' ' || v, E'\\n') from item")
            .split("\n", -1)) {
      int blank = line.indexOf(' ');
      expected.put(Integer.valueOf(line.substring(0, blank)), line.substring(blank + 1));
    }
    return expected;
  }

  /** Cuts all connections of the SSH server, each time so many bytes have gone through it. */
  private final class Cutter implements AutoCloseable {
    private final Thread thread = new Thread(this::watch, "cutter");
    private final CountDownLatch closed = new CountDownLatch(1);
    private final LongSupplier bytes;
    private final int cuts;
    private volatile int cut;

    Cutter(LongSupplier bytes, int cuts) {
      this.bytes = bytes;
      this.cuts = cuts;
      thread.start();
    }

    private void watch() {
      long next = BYTES_BETWEEN;
      try {
        while (cut < cuts && !closed.await(2, TimeUnit.MILLISECONDS)) {
          if (bytes.getAsLong() >= next && server.dropConnections() > 0) {
            cut++;
            next = bytes.getAsLong() + BYTES_BETWEEN;
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    int cut() {
      return cut;
    }

    int left() {
      return cuts - cut;
    }

    @Override
    public void close() {
      closed.countDown();
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
