package io.fulmar.verify.destination;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.testkit.ManualClock;
import io.fulmar.testkit.TestServer;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.verify.fixture.SharedServer;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The connection to the destination breaks when COMMIT has been sent, so that nobody knows whether
 * it was done. Twelve rows of {@code item} have been delivered into {@code copy}, whose trigger
 * writes down what is done to it; then two are removed, three changed and two added. Only the
 * destination stands behind the proxy.
 */
@DisplayName("P1, P2, B-04: the connection breaks after COMMIT, before its answer")
class CommitCutTest {
  private static TestServer postgres;

  @TempDir Path state;

  private final ManualClock clock = ManualClock.at(Instant.parse("2026-03-01T00:00:00Z"));
  private TableFixture fixture;
  private FaultProxy proxy;
  private SyncEngine engine;

  /** What becomes of the COMMIT. */
  enum Commit {
    /** The server does it; its answer is cut off. */
    ARRIVES {
      @Override
      void cut(FaultProxy proxy, int times) {
        proxy.resetWhenServerSends("COMMIT", times);
      }
    },
    /** The server never gets it. */
    IS_LOST {
      @Override
      void cut(FaultProxy proxy, int times) {
        proxy.resetWhenClientSends("COMMIT", times);
      }
    };

    abstract void cut(FaultProxy proxy, int times);
  }

  @BeforeAll
  static void startServer() {
    postgres = SharedServer.get();
  }

  @AfterAll
  static void stopServer() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void deliverAll() throws Exception {
    fixture = new TableFixture(postgres.createDatabase());
    fixture.run(
        "create table item (id bigint primary key, v text)",
        "insert into item select i, 'a' from generate_series(1, 12) i",
        "create table copy (id bigint primary key, v text, sequence bigint)",
        """
        create table copy_fulmar_tombstones (
          id bigint primary key, fulmar_sequence bigint not null, fulmar_deleted_at timestamptz not null)
        """,
        "create table done (what text)",
        """
        create function note() returns trigger language plpgsql as $$
        begin
          insert into done values (
            case when tg_op = 'DELETE' then 'delete ' || old.id
              else 'write ' || new.id || '=' || new.v end);
          return null;
        end $$
        """,
        "create trigger note after insert or update or delete on copy"
            + " for each row execute function note()");
    proxy = FaultProxy.before(fixture.database().host(), fixture.database().port());
    engine = StandardEngine.builder(fixture.source().build(), state).clock(clock).build();
  }

  @AfterEach
  void close() throws IOException {
    engine.close();
    proxy.close();
  }

  private Sync.Builder sync() {
    PostgresDestination copy =
        PostgresDestination.builder(fixture.source().port(proxy.port()).build())
            .table("public", "copy")
            .sequenceColumn("sequence")
            .build();
    return Sync.builder("copy")
        .model(Model.query("items", "select id, v from item").key("id"))
        .to(copy)
        .onRemoved(Removal.DELETE)
        .guardRemovals(1, Long.MAX_VALUE)
        .batchRows(4)
        .lanes(1);
  }

  private void change() throws SQLException {
    fixture.run(
        "delete from item where id in (1, 2)",
        "update item set v = 'b' where id in (3, 4, 5)",
        "insert into item values (13, 'new'), (14, 'new')",
        "truncate done");
  }

  private void changeBack() throws SQLException {
    fixture.run(
        "insert into item values (1, 'a'), (2, 'a')",
        "update item set v = 'a'",
        "delete from item where id > 12");
  }

  /** The destination holds what the source holds, and nothing is left to do. */
  private void assertSettled() throws SQLException {
    assertThat(fixture.rows("select id, v from copy order by id"))
        .isEqualTo(fixture.rows("select id, v from item order by id"));
    assertThat(engine.status(sync().build()).unsure()).isZero();
    assertThat(engine.run(sync().build()).throwIfFailed().total().planned()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ARRIVES | delete from item where id < 4
          IS_LOST | delete from item where id < 4
          ARRIVES | update item set v = 'b' where id < 4
          IS_LOST | update item set v = 'b' where id < 4
          ARRIVES | insert into item values (13, 'new'), (14, 'new'), (15, 'new')
          IS_LOST | insert into item values (13, 'new'), (14, 'new'), (15, 'new')
          """)
  @DisplayName("once: the batch goes out again in the same run, and is accepted")
  void onceInARun(Commit commit, String change) throws Exception {
    engine.run(sync().build()).throwIfFailed();
    fixture.run(change, "truncate done");
    commit.cut(proxy, 1);
    SyncReport report = engine.run(sync().build()).throwIfFailed();
    assertThat(proxy.happened()).isEqualTo(1);
    assertThat(report.calls()).isEqualTo(2);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(3, 3, 0, 0));
    assertThat(fixture.rows("select count(distinct what) from done")).containsExactly("3");
    assertSettled();
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("each time: all changes are unsure, and the next run sends them again")
  void eachTime(Commit commit) throws Exception {
    engine.run(sync().build()).throwIfFailed();
    change();
    runWithoutAnswers(commit);
    assertThat(fixture.rows("select count(distinct what) from done"))
        .containsExactly(commit == Commit.ARRIVES ? "7" : "0");
    SyncReport next = engine.run(sync().build()).throwIfFailed();
    assertThat(next.total()).isEqualTo(new SyncReport.Counts(7, 7, 0, 0));
    assertSettled();
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("each time, and the source goes back: the next run sends what was there before")
  void eachTimeAndTheSourceGoesBack(Commit commit) throws Exception {
    engine.run(sync().build()).throwIfFailed();
    change();
    runWithoutAnswers(commit);
    changeBack();
    SyncReport next = engine.run(sync().build()).throwIfFailed();
    assertThat(next.total()).isEqualTo(new SyncReport.Counts(7, 7, 0, 0));
    assertSettled();
  }

  /** A run in which no COMMIT is answered; afterwards no call of it can act. */
  private void runWithoutAnswers(Commit commit) {
    commit.cut(proxy, Integer.MAX_VALUE);
    SyncReport report = engine.run(sync().build());
    assertThat(report.total().accepted()).isZero();
    assertThat(report.total().failed()).isEqualTo(7);
    assertThat(engine.status(sync().build()).unsure()).isEqualTo(7);
    proxy.heal();
    clock.advance(Duration.ofMinutes(10));
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("in mode INSERT: what is there already by the first call is accepted, not skipped")
  void onceInInsertMode(Commit commit) throws Exception {
    commit.cut(proxy, 1);
    SyncReport report = engine.run(sync().mode(SyncMode.INSERT).build()).throwIfFailed();
    assertThat(proxy.happened()).isEqualTo(1);
    assertThat(report.total().accepted()).isEqualTo(12);
    assertThat(fixture.rows("select count(*), count(distinct what) from done"))
        .isEqualTo(List.of("12|12"));
    assertThat(fixture.rows("select id, v from copy order by id"))
        .isEqualTo(fixture.rows("select id, v from item order by id"));
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("of a clear: it is not taken as done, and the next run repeats it")
  void clearIsRepeated(Commit commit) throws Exception {
    engine.run(sync().build()).throwIfFailed();
    commit.cut(proxy, 1);
    SyncReport report = engine.clearAndFill(sync().build());
    assertThat(proxy.happened()).isEqualTo(1);
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(engine.status(sync().build()).clearing()).isTrue();
    assertThat(fixture.rows("select count(*) from copy"))
        .containsExactly(commit == Commit.ARRIVES ? "0" : "12");
    clock.advance(Duration.ofMinutes(10));
    SyncReport next = engine.run(sync().build()).throwIfFailed();
    assertThat(next.total()).isEqualTo(new SyncReport.Counts(12, 12, 0, 0));
    assertThat(engine.status(sync().build()).clearing()).isFalse();
    assertSettled();
  }
}
