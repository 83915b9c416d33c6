package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.verify.fixture.BothSshServers;
import io.fulmar.verify.fixture.EngineUnderTest;
import io.fulmar.verify.fixture.Queries;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A run through a tunnel that is cancelled while the server works on a statement for an hour. */
@BothSshServers
@DisplayName("A-09: a read through a tunnel is cancelled, through the tunnel")
class TunnelCancelTest extends TunnelFixture {
  private static final String ASLEEP =
      "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
          + " and datname = current_database()";

  @ParameterizedTest
  @EnumSource(EngineUnderTest.class)
  void cancelEndsTheStatement(EngineUnderTest engineKind) throws Exception {
    engineKind.prepare(database);
    ForwardTunnel tunnel = forward().build();
    Source through = source().tunnel(tunnel).build();
    Sync sleeping = sync("select 1 as id, pg_sleep(3600)::text as v").build();
    Set<String> before = OwnProcess.listening();
    try (SyncEngine engine = engineKind.on(through, directory.resolve("state"))) {
      FutureTask<SyncReport> run = new FutureTask<>(() -> engine.run(sleeping));
      new Thread(run, "caller").start();
      Queries.await(database, ASLEEP, "1");
      assertThat(OwnProcess.listening()).as("no port of this machine").isEqualTo(before);
      long connections = tunnel.status().connections();

      engine.cancel(sleeping);

      SyncReport report = run.get(60, TimeUnit.SECONDS);
      assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(report.problem().orElseThrow()).contains("the run was cancelled");
      Queries.await(database, ASLEEP, "0");
      assertThat(tunnel.status().connections())
          .as("the request to cancel was one more")
          .isGreaterThan(connections);
      assertThat(OwnProcess.listening()).isEqualTo(before);
      assertThat(destination.calls()).isEmpty();
      assertThat(engine.run(sync("select 1 as id").build()).throwIfFailed().total().accepted())
          .as("the engine goes on")
          .isEqualTo(1);
    }
  }
}
