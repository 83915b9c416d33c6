package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Delivery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What goes wrong while a model is read. The model reads 2,000 rows of {@code item}, waits for an
 * advisory lock that the test may hold, and reads 10 rows of {@code late}; so a test can act in the
 * middle of a COPY of which many rows have come already.
 */
@DisplayName("Reading that goes wrong")
class ReadFaultsTest extends SourceFixture {
  private static final String LOCK = "select pg_advisory_lock(7)";
  private static final String UNLOCK = "select pg_advisory_unlock(7)";
  private static final String WAITING =
      "select count(*) from pg_stat_activity where datname = current_database()"
          + " and wait_event = 'advisory' and application_name like 'fulmar %'";
  private static final String MODEL =
      """
      select id, v from item
      union all
      select id, v from late where pg_advisory_xact_lock_shared(7) is not null
      """;

  private final ConcurrentLinkedQueue<RunEvent> events = new ConcurrentLinkedQueue<>();

  @BeforeEach
  void createTables() throws Exception {
    database.execute(
        "create table item (id bigint primary key, v text)",
        "create table late (id bigint primary key, v text)",
        "insert into item select i, repeat('v', 100) from generate_series(1, 2000) i",
        "insert into late select i, 'late' from generate_series(9001, 9010) i");
  }

  private Sync waiting() {
    return sync(MODEL, "id").onRemoved(Removal.DELETE).listener(events::add).build();
  }

  private FutureTask<SyncReport> start(Sync sync) {
    FutureTask<SyncReport> task = new FutureTask<>(() -> run(sync));
    new Thread(task, "test-run").start();
    return task;
  }

  private long count(Class<? extends RunEvent> type) {
    return events.stream().filter(type::isInstance).count();
  }

  /** Ends the session of a run; it is gone on return. */
  private String terminate(String run) throws Exception {
    return query(
        "select count(*) filter (where pg_terminate_backend(pid, 20000)) from pg_stat_activity"
            + " where datname = current_database() and application_name = 'fulmar crm "
            + run
            + "'");
  }

  private String runNumber() {
    return events.stream()
        .filter(RunEvent.Started.class::isInstance)
        .map(event -> Long.toString(((RunEvent.Started) event).run()))
        .reduce((first, last) -> last)
        .orElseThrow();
  }

  private List<String> stateFiles() throws IOException {
    try (Stream<Path> files = Files.walk(state)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.contains("lock"))
          .sorted()
          .toList();
    }
  }

  @Test
  @DisplayName("P1, P6, A-01: a read that was cut is done again on a new snapshot")
  void readThatWasCutIsDoneAgainOnNewSnapshot() throws Exception {
    assertThat(run(waiting()).throwIfFailed().total().accepted()).isEqualTo(2_010);
    events.clear();
    SyncReport report;
    try (Connection holder = database.connect();
        Statement lock = holder.createStatement()) {
      lock.execute(LOCK);
      FutureTask<SyncReport> task = start(waiting());
      awaitQuery(WAITING, "1");
      database.execute("update item set v = 'new' where id = 5", "delete from item where id = 6");
      assertThat(terminate(runNumber())).isEqualTo("1");
      lock.execute(UNLOCK);
      report = task.get();
    }
    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(report.changeSet().rows()).isEqualTo(2_009);
    assertThat(sent(report)).containsExactly("CHANGED 5", "REMOVED 6");
    assertThat(count(RunEvent.ReadAgain.class)).isEqualTo(1);
    assertThat(run(waiting()).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("P1, A-01: a read that is cut each time fails the run and changes nothing")
  void readThatIsCutEachTimeFailsTheRunAndChangesNothing() throws Exception {
    assertThat(run(waiting()).throwIfFailed().total().accepted()).isEqualTo(2_010);
    List<String> before = stateFiles();
    events.clear();
    SyncReport report;
    try (Connection holder = database.connect();
        Statement lock = holder.createStatement()) {
      lock.execute(LOCK);
      FutureTask<SyncReport> task = start(waiting());
      for (int i = 0; i < 3; i++) {
        awaitQuery(WAITING, "1");
        assertThat(terminate(runNumber())).isEqualTo("1");
      }
      report = task.get();
    }
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(SourceException.class)
        .hasMessageStartingWith("Cannot read the model rows: ")
        .hasMessageContaining("[sync=crm run=" + report.run() + " sqlstate=");
    assertThat(((SourceException) report.error()).sqlState()).isIn("57P01", "08006");
    assertThat(report.changeSet()).isNull();
    assertThat(sent(report)).isEmpty();
    assertThat(count(RunEvent.ReadAgain.class)).isEqualTo(2);
    assertThat(stateFiles()).isEqualTo(before);

    database.execute("delete from late where id = 9001");
    assertThat(sent(run(waiting()).throwIfFailed())).containsExactly("REMOVED 9001");
  }

  @Test
  @DisplayName("C-01: an own statement timeout names itself, its value and its setter")
  void ownStatementTimeoutNamesItself() {
    Source source = sourceBuilder().statementTimeout(Duration.ofSeconds(1)).build();
    SyncReport report = run(source, sync(slow(), "id").build());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(SourceException.class)
        .hasMessage(
            "Cannot read the model rows: canceling statement due to statement timeout. The statement_timeout of 1000ms"
                + " is set by Source.Builder.statementTimeout: raise it there. [sync=crm run=%d sqlstate=57014]",
            report.run());
    assertThat(report.calls()).isZero();
  }

  private static String slow() {
    return "select id, v, pg_sleep(30)::text as nothing from item where id = 1";
  }

  @Test
  @DisplayName("C-01: a statement timeout of the role is shown with the SQL that raises it")
  void statementTimeoutOfRoleIsShownWithRemedy() throws Exception {
    String role = "reader_" + database.name();
    database.execute(
        "create role " + role + " login",
        "grant select on item to " + role,
        "alter role " + role + " set statement_timeout = '1s'");
    Source source = sourceBuilder().user(role).statementTimeout(Duration.ZERO).build();
    assertThat(run(source, sync(slow(), "id").build()).error())
        .isInstanceOf(SourceException.class)
        .hasMessageContaining(
            "The statement_timeout of 1s is set for the role: run alter role \""
                + role
                + "\" set statement_timeout = '1h'; or raise Source.Builder.statementTimeout from zero");
    database.execute("alter role " + role + " set statement_timeout = '1h'");
    assertThat(run(source, sync("select id, v from item", "id").build()).throwIfFailed().calls())
        .isPositive();
  }

  @Test
  @DisplayName("C-01: a statement timeout of the database, and of a role in it, is shown as such")
  void statementTimeoutOfDatabaseIsShownAsSuch() throws Exception {
    Source source = sourceBuilder().statementTimeout(Duration.ZERO).build();
    String name = database.name();
    database.execute("alter database " + name + " set statement_timeout = '1s'");
    assertThat(run(source, sync(slow(), "id").build()).error())
        .hasMessageContaining(
            "of 1s is set for the database: run alter database \""
                + name
                + "\" set statement_timeout = '1h'");
    database.execute(
        "alter role postgres in database " + name + " set statement_timeout = '1100ms'");
    assertThat(run(source, sync(slow(), "id").build()).error())
        .hasMessageContaining(
            "of 1100ms is set for the role in this database: run alter role \"postgres\" in database \""
                + name
                + "\" set statement_timeout = '1h'");
  }

  @Test
  @DisplayName("C-01: a cancelled statement is no timeout, and is not read again")
  void cancelledStatementIsNoTimeout() throws Exception {
    try (Connection holder = database.connect();
        Statement lock = holder.createStatement()) {
      lock.execute(LOCK);
      FutureTask<SyncReport> task = start(waiting());
      awaitQuery(WAITING, "1");
      database.execute(
          "select pg_cancel_backend(pid) from pg_stat_activity"
              + " where datname = current_database() and wait_event = 'advisory'");
      SyncReport report = task.get();
      assertThat(report.error())
          .hasMessageContaining("canceling statement due to user request")
          .hasMessageContaining("Someone cancelled the statement: run again.");
      assertThat(count(RunEvent.ReadAgain.class)).isZero();
    }
  }

  @Test
  @DisplayName("P6: every transaction has timeouts, is read-only, and names sync and run")
  void everyTransactionHasTimeouts() {
    String settings =
        """
        select 1 as id, current_setting('statement_timeout') as statement,
               current_setting('lock_timeout') as lock,
               current_setting('idle_in_transaction_session_timeout') as idle,
               current_setting('transaction_read_only') as read_only,
               current_setting('transaction_isolation') as isolation,
               current_setting('application_name') as application
        """;
    SyncReport report = run(sync(settings, "id").build()).throwIfFailed();
    assertThat(texts(destination.changes(report.run()).get(0).row()))
        .containsExactly(
            "1", "1h", "30s", "5min", "on", "repeatable read", "fulmar crm " + report.run());
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      ModelPreview preview = engine.preview(Model.query("rows", settings).key("id"));
      assertThat(texts(preview.rows().get(0)))
          .containsExactly("1", "1h", "30s", "5min", "on", "repeatable read", "fulmar preview");
    }
  }

  @Test
  @DisplayName("P6, C-03: no transaction is open while a destination is waited for")
  void noTransactionIsOpenWhileDestinationIsWaitedFor() throws Exception {
    database.execute(
        "alter database " + database.name() + " set idle_in_transaction_session_timeout = '500ms'");
    String ours =
        " from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            + " and application_name like 'fulmar%'";
    List<String> seen = new ArrayList<>();
    destination.answers(
        (run, batch) -> {
          for (int i = 0; i < 3; i++) {
            seen.add(
                query(
                    "select string_agg(concat_ws(' ', pid::text, state, xact_start, backend_xmin,"
                        + " backend_xid), ', '), pg_sleep(0.4)"
                        + ours));
          }
          return Delivery.allAccepted();
        });
    assertThat(run(sync("select id, v from item", "id").build()).status())
        .isEqualTo(RunStatus.SUCCEEDED);
    assertThat(seen).hasSizeGreaterThanOrEqualTo(6);
    assertThat(seen).containsOnly(seen.get(0));
    assertThat(seen.get(0)).matches("\\d+ idle");
  }

  @Test
  @DisplayName("A source that cannot be reached says why, not how long the pool waited")
  void sourceThatCannotBeReachedSaysWhy() {
    Source source = sourceBuilder().port(1).connectTimeout(Duration.ofMillis(300)).build();
    assertThatThrownBy(() -> run(source, sync("select id, v from item", "id").build()))
        .isInstanceOf(SourceException.class)
        .hasMessageMatching(
            "Cannot connect to localhost:1/.*: localhost:1 refuses connections\\. Look at host and port.*"
                + "sqlstate=08001]")
        .hasMessageNotContaining("fulmar-source");
  }
}
