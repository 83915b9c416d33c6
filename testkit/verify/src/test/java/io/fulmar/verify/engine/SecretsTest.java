package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.read.ListAppender;
import com.sun.net.httpserver.HttpServer;
import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.CheckReport;
import io.fulmar.ConfigurationException;
import io.fulmar.Explanation;
import io.fulmar.FailureCodes;
import io.fulmar.HeldChange;
import io.fulmar.HttpDestination;
import io.fulmar.InvalidRow;
import io.fulmar.Mapping;
import io.fulmar.Model;
import io.fulmar.ModelValidation;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Start;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckSteps;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import javax.management.JMException;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * A table whose text column holds a canary, and a password that is another. All that is logged (by
 * the engine and the pool at TRACE, by the driver at FINE; at FINEST the driver writes down what it
 * sends), thrown, reported or shown by {@code toString()} is searched for both.
 */
@DisplayName("P11: no secret and no row value in logs, exceptions or toString()")
class SecretsTest extends SourceFixture {
  private static final String VALUE = "canary-value-7f3a";
  private static final String PASSWORD = "canary-password-91c4";

  private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  private final Logger engineLog = (Logger) LoggerFactory.getLogger("io.fulmar");
  private final Logger poolLog = (Logger) LoggerFactory.getLogger("com.zaxxer.hikari");
  private final java.util.logging.Logger driverLog =
      java.util.logging.Logger.getLogger("org.postgresql");
  private final List<@Nullable Level> levels = new ArrayList<>();
  private final Queue<String> seen = new ConcurrentLinkedQueue<>();
  private final ListAppender<ILoggingEvent> appender =
      new ListAppender<>() {
        @Override
        protected void append(ILoggingEvent event) {
          seen.add(
              event.getFormattedMessage()
                  + event.getMDCPropertyMap()
                  + (event.getThrowableProxy() == null
                      ? ""
                      : ThrowableProxyUtil.asString(event.getThrowableProxy())));
        }
      };
  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord line) {
          seen.add(new java.util.logging.SimpleFormatter().format(line));
        }

        @Override
        public void flush() {
          // nothing is kept back
        }

        @Override
        public void close() {
          // nothing is open
        }
      };

  @BeforeEach
  void listen() throws SQLException {
    for (Logger logger : List.of(engineLog, poolLog)) {
      levels.add(logger.getLevel());
      logger.setLevel(Level.TRACE);
    }
    appender.start();
    root.addAppender(appender);
    handler.setLevel(java.util.logging.Level.ALL);
    driverLog.setLevel(java.util.logging.Level.FINE);
    driverLog.addHandler(handler);
    database.execute(
        "create table customer (id int primary key, email text)",
        "insert into customer values (1, '" + VALUE + "'), (2, '" + VALUE + "')");
  }

  @AfterEach
  void stopListening() {
    root.detachAppender(appender);
    driverLog.removeHandler(handler);
    driverLog.setLevel(null);
    engineLog.setLevel(levels.get(0));
    poolLog.setLevel(levels.get(1));
  }

  private void see(@Nullable Object thing) {
    seen.add(String.valueOf(thing));
    if (thing instanceof Throwable e) {
      StringWriter text = new StringWriter();
      e.printStackTrace(new PrintWriter(text)); // causes and suppressed ones too
      seen.add(text.toString());
    }
    if (thing instanceof SyncReport report) {
      seen.add(report.problem().orElse(""));
      report.failures().forEach(this::see);
      see(report.changeSet());
      if (report.changeSet() != null) {
        report.changeSet().invalidRows().forEach(this::see);
      }
      if (report.error() != null) {
        see(report.error());
      }
      if (report.status() == RunStatus.FAILED) {
        see(catchThrowable(report::throwIfFailed));
      }
    }
  }

  private void assertNothingShown() {
    assertThat(seen).isNotEmpty();
    assertThat(seen).noneMatch(text -> text.contains(VALUE) || text.contains(PASSWORD));
  }

  private Source secretSource() {
    return sourceBuilder().password(Secret.of(PASSWORD)).allowWeakAuthentication().build();
  }

  /** Previews and runs, and looks at all that comes of it. */
  private SyncReport runAndSee(String sql, String key, Writer writer) {
    Model model = Model.query("rows", sql).key(key);
    Sync sync =
        Sync.builder("crm")
            .model(model)
            .to(
                Destination.of(
                    "test:secrets",
                    batch -> {
                      see(batch);
                      batch.changes().forEach(this::see);
                      batch.changes().forEach(change -> see(change.row()));
                      return writer.write(batch);
                    }))
            .maxRowBytes(1_000)
            .listener(this::see)
            .build();
    Source source = secretSource();
    SyncReport report;
    try (SyncEngine engine = StandardEngine.on(source, state)) {
      Throwable failed = catchThrowable(() -> see(engine.preview(model)));
      if (failed != null) {
        see(failed);
      }
      report = engine.run(sync);
      see(engine.status(sync));
      see(engine);
    }
    List.of(source, sync, model).forEach(this::see);
    see(report);
    return report;
  }

  @Test
  void theSearchFindsWhatIsThere() {
    engineLog.trace("a {}", VALUE, new IllegalStateException("b", new SQLException(PASSWORD)));
    assertThat(seen).anyMatch(text -> text.contains(VALUE) && text.contains(PASSWORD));
    seen.clear();
    driverLog.fine(VALUE);
    assertThat(seen).anyMatch(text -> text.contains(VALUE));
    seen.clear();
    Throwable thrown = new IllegalStateException("a");
    thrown.addSuppressed(new SQLException(VALUE));
    see(thrown);
    assertThat(seen).anyMatch(text -> text.contains(VALUE));
  }

  @Test
  void aRunThatGoesWellShowsNothing() {
    List<Object> types = new ArrayList<>();
    SyncReport report =
        runAndSee(
            "select id, email from customer",
            "id",
            batch -> {
              types.add(batch);
              return Delivery.allAccepted();
            });
    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(types).hasSize(1);
    assertNothingShown();
  }

  @Test
  @DisplayName(
      "P11: the value of a setting of a model is shown nowhere, whether the model works or not")
  void theValueOfSettingIsNotShown() throws SQLException {
    String uses = "select id, email from customer where email = current_setting('app.email')";
    List<Model> models =
        List.of(
            Model.query("rows", uses).key("id"),
            Model.query("rows", uses + " and nothing").key("id"),
            Model.query("rows", "select id, current_setting('app.email')::int as n from customer")
                .key("id"),
            Model.query("rows", "select id from customer; select '" + VALUE + "'").key("id"),
            Model.query("rows", "select id, '" + VALUE + "' as x, nothing from customer").key("id"),
            Model.table("rows", "public", "customer")
                .where("email = '" + VALUE + "' and x")
                .key("id"),
            Model.table("rows", "public", "customer")
                .where("email = current_setting('app.email')")
                .key("id"));
    int usable = 0;
    try (SyncEngine engine = StandardEngine.on(secretSource(), state)) {
      for (Model plain : models) {
        Model model = plain.setting("app.email", VALUE);
        see(model);
        ModelValidation validation = engine.validate(model);
        see(validation);
        usable += validation.isUsable() ? 1 : 0;
        see(catchThrowable(() -> see(engine.preview(model).columns())));
        Sync sync =
            Sync.builder("set" + models.indexOf(plain)).model(model).to(destination).build();
        see(sync);
        see(catchThrowable(() -> see(engine.run(sync))));
        see(catchThrowable(() -> see(engine.check(sync))));
      }
    }
    assertThat(usable).isEqualTo(2);
    assertNothingShown();
  }

  @Test
  void aKeyThatIsTheValueIsNotShown() {
    SyncReport report =
        runAndSee(
            "select email, min(id) as id from customer group by email",
            "email",
            batch -> Delivery.allAccepted());
    assertThat(report.total().accepted()).isEqualTo(1);
    assertNothingShown();
  }

  @Test
  void aWrongPasswordIsNotShown() throws Exception {
    try (TestPostgres server =
        TestPostgres.builder().parameter("password_encryption", "scram-sha-256").start()) {
      TestDatabase own = server.createDatabase();
      own.execute(
          "create role guarded login password 'right'",
          "create table hba (line text)",
          "insert into hba values ('host all guarded all scram-sha-256'), ('host all all all trust')",
          "do $$ begin execute format('copy hba to %L', current_setting('hba_file')); end $$",
          "select pg_reload_conf()");
      Source source =
          Source.builder()
              .host(own.host())
              .port(own.port())
              .database(own.name())
              .user("guarded")
              .password(Secret.of(PASSWORD))
              .allowWeakAuthentication()
              .connectTimeout(java.time.Duration.ofSeconds(2))
              .withoutTls()
              .build();
      Model model = Model.query("rows", "select 1 as id").key("id");
      try (SyncEngine engine = StandardEngine.on(source, state)) {
        Throwable refused = catchThrowable(() -> engine.preview(model));
        assertThat(refused)
            .hasMessageContaining("password authentication failed")
            .hasMessageContaining("28P01");
        see(refused);
        see(
            catchThrowable(
                () -> engine.run(Sync.builder("crm").model(model).to(destination).build())));
      }
      see(source);
      see(source.password());
      assertNothingShown();
    }
  }

  @Test
  void aModelThatFailsOnAValueDoesNotShowIt() throws SQLException {
    database.execute(
        """
        create function raises(v text) returns int language plpgsql as $$
        begin raise exception 'bad %', v using errcode = '42501', detail = v, hint = v; end $$
        """,
        """
        create function writes(v text) returns int language plpgsql as $$
        begin execute format('insert into customer values (3, %L)', v); return 1; end $$
        """,
        """
        create function dynamic(v text) returns int language plpgsql as $$
        begin execute format('select %I', v); return 1; end $$
        """,
        """
        create function notices(v text) returns int language plpgsql as $$
        begin raise warning 'notice %', v; return 1 / 0; end $$
        """);
    for (String expression :
        List.of(
            "email::int",
            "email::date",
            "email::jsonb::text",
            "email::uuid",
            "1 / (id - id)",
            "('{' || email)::int[]",
            "xmlparse(document email)",
            "substring(email, 1, -id)",
            "to_date(email, 'YYYY')",
            "(select email from customer)",
            "raises(email)",
            "writes(email)",
            "dynamic(email)",
            "notices(email)",
            "query_to_xml(email, true, false, '')::text",
            "regexp_replace(email, email || '(', '')",
            "current_setting(email)",
            "email::regnamespace::text",
            "email::regclass::text",
            "pg_read_file(email)")) {
      SyncReport report =
          runAndSee(
              "select id, " + expression + " as x from customer",
              "id",
              batch -> Delivery.allAccepted());
      assertThat(report.status()).as(expression).isEqualTo(RunStatus.FAILED);
      assertThat(seen)
          .as(expression)
          .noneMatch(text -> text.contains(VALUE) || text.contains(PASSWORD));
    }
  }

  @Test
  void aCheckShowsNeitherTheValuesThatItReadsNorThePassword() {
    Destination talkative =
        new Destination() {
          @Override
          public String type() {
            return destination.type();
          }

          @Override
          public String identity() {
            return destination.identity();
          }

          @Override
          public Capabilities capabilities() {
            return destination.capabilities();
          }

          @Override
          public Writer open(RunContext run) {
            throw new AssertionError("a check opens nothing");
          }

          @Override
          public void check(CheckContext sync, CheckSteps steps) {
            steps.step(
                "endpoint",
                findings -> {
                  throw new IllegalStateException(PASSWORD, new SQLException(VALUE));
                });
          }
        };
    Source source = sourceBuilder().password(Secret.of(PASSWORD)).build();
    Source wrong = sourceBuilder().user("nobody").password(Secret.of(PASSWORD)).build();
    Model doubled = Model.query("rows", "select email, 1 as one from customer").key("email");
    Model failing = Model.query("rows", "select id, email::int as e from customer").key("id");
    for (Model model : List.of(doubled, failing)) {
      Sync sync = Sync.builder("crm").model(model).to(talkative).build();
      for (Source each : List.of(source, wrong)) {
        try (SyncEngine engine = StandardEngine.on(each, state)) {
          CheckReport report = engine.check(sync);
          assertThat(report.passed()).isFalse();
          see(report);
          report.steps().forEach(this::see);
          see(catchThrowable(report::throwIfFailed));
        }
      }
    }
    assertNothingShown();
  }

  @Test
  void aDestinationThatThrowsTheValueDoesNotShowIt() {
    SyncReport report =
        runAndSee(
            "select id, email from customer",
            "id",
            batch -> {
              throw new IllegalStateException(
                  valueOf(batch), new SQLException("Key (email)=(" + valueOf(batch) + ")"));
            });
    assertThat(report.failures())
        .extracting(SyncReport.FailureGroup::message)
        .containsOnly("the call threw java.lang.IllegalStateException");
    assertNothingShown();
  }

  @Test
  void anErrorOfADestinationIsReportedByItsClassAlone() {
    SyncReport report =
        runAndSee(
            "select id, email from customer",
            "id",
            batch -> {
              throw new AssertionError(valueOf(batch));
            });
    assertThat(report.problem().orElse(""))
        .contains("the destination threw java.lang.AssertionError");
    assertThat(report.error().getCause()).hasMessage("java.lang.AssertionError");
    assertNothingShown();
  }

  @Test
  void aRejectedRowIsNotShown() {
    SyncReport report =
        runAndSee(
            "select id, email from customer",
            "id",
            batch -> {
              Delivery.Builder answer = Delivery.acceptedExcept();
              batch.changes().forEach(change -> answer.rejected(change, "BAD", "not an address"));
              return answer.build();
            });
    assertThat(report.total().failed()).isEqualTo(2);
    assertNothingShown();
  }

  @Test
  void anAnswerAboutAnotherChangeIsNotShown() {
    SyncReport report =
        runAndSee(
            "select id, email from customer",
            "id",
            batch -> {
              Change first = batch.changes().get(0);
              Change foreign =
                  new Change(first.operation(), first.key(), first.row(), valueOf(batch), 1, 1);
              return Delivery.acceptedExcept().rejected(foreign, "BAD", "no").build();
            });
    assertThat(report.failures())
        .extracting(SyncReport.FailureGroup::code)
        .containsOnly("FULMAR_CONTRACT_VIOLATION");
    assertNothingShown();
  }

  @Test
  void invalidAndOversizeRowsAreNotShown() throws SQLException {
    database.execute("insert into customer values (3, repeat('" + VALUE + "', 1000)), (4, null)");
    SyncReport keys =
        runAndSee("select email, id from customer", "email", batch -> Delivery.allAccepted());
    assertThat(keys.changeSet().invalidRows())
        .extracting(InvalidRow::reason)
        .containsExactlyInAnyOrder(
            InvalidRow.Reason.DUPLICATE_KEY,
            InvalidRow.Reason.KEY_TOO_LARGE,
            InvalidRow.Reason.NULL_KEY);
    assertNothingShown();
  }

  @Test
  void anOversizeRowIsNotShown() throws SQLException {
    database.execute("insert into customer values (3, repeat('" + VALUE + "', 1000))");
    SyncReport report =
        runAndSee("select id, email from customer", "id", batch -> Delivery.allAccepted());
    assertThat(report.total().accepted()).isEqualTo(2);
    assertNothingShown();
  }

  // -------------------------------------------------------------------- mapping, guards, listeners

  /** A sync whose destination shows all that it gets. */
  private Sync.Builder seeing(Writer writer) {
    Destination destination =
        Destination.of(
            "test:secrets",
            batch -> {
              see(batch);
              batch.changes().forEach(this::see);
              batch.changes().forEach(change -> see(change.row()));
              batch.changes().forEach(change -> see(change.previous()));
              return writer.write(batch);
            });
    return Sync.builder("crm")
        .model(Model.query("rows", "select id, email from customer").key("id"))
        .to(destination)
        .callDeadline(Duration.ofSeconds(1))
        .listener(this::see);
  }

  private SyncReport runAndSee(Sync sync) {
    try (SyncEngine engine = StandardEngine.on(secretSource(), state)) {
      SyncReport report = engine.run(sync);
      see(sync);
      see(report);
      see(engine.status(sync));
      return report;
    }
  }

  @Test
  void aMappingThatThrowsTheValueDoesNotShowIt() {
    Mapping mapping =
        Mapping.builder()
            .column("id")
            .constant("constant", VALUE)
            .compute(
                "thrown",
                1,
                List.of("email"),
                row -> {
                  throw new IllegalStateException(row.text("email"), new SQLException(VALUE));
                })
            .build();
    see(mapping);
    mapping.columns().forEach(this::see);

    SyncReport report = runAndSee(seeing(batch -> Delivery.allAccepted()).mapping(mapping).build());

    assertThat(report.failures())
        .extracting(SyncReport.FailureGroup::code)
        .containsOnly(FailureCodes.COMPUTE_FAILED);
    try (SyncEngine engine = StandardEngine.on(secretSource(), state)) {
      engine.holds(seeing(batch -> Delivery.allAccepted()).build(), 10).forEach(this::see);
    }
    assertNothingShown();
  }

  @Test
  void aComputedValueWithoutAFormIsNotShown() {
    Mapping mapping =
        Mapping.builder()
            .column("id")
            .compute("x", 1, List.of("email"), row -> List.of(row.text("email")))
            .compute("y", 1, List.of("email"), row -> row.text("email") + "\0")
            .build();
    SyncReport report = runAndSee(seeing(batch -> Delivery.allAccepted()).mapping(mapping).build());
    assertThat(report.failures())
        .extracting(SyncReport.FailureGroup::code)
        .containsOnly(FailureCodes.VALUE_WITHOUT_FORM);
    assertNothingShown();
  }

  @Test
  void aGuardOrAListenerThatThrowsTheValueDoesNotShowIt() {
    Sync sync =
        seeing(batch -> Delivery.allAccepted())
            .guard(
                plan -> {
                  throw new IllegalStateException(VALUE + plan.samples().get(0).key().text("id"));
                })
            .listener(
                event -> {
                  throw new IllegalStateException(VALUE);
                })
            .build();

    SyncReport report = runAndSee(sync);

    assertThat(report.status()).isEqualTo(RunStatus.HELD);
    assertThat(report.changeSet().guards())
        .singleElement()
        .asString()
        .endsWith("threw java.lang.IllegalStateException");
    see(catchThrowable(report::throwIfFailed));
    assertNothingShown();
  }

  // ------------------------------------------------------------------------- plans, holds,
  // requests

  @Test
  void whatIsRememberedOfARowIsNotShown() throws SQLException {
    Sync sync =
        seeing(
                batch -> {
                  Delivery.Builder answer = Delivery.acceptedExcept();
                  for (Change change : batch.changes()) {
                    if (change.operation() != Operation.ADDED) {
                      answer.rejected(change, "BAD", "no");
                    }
                  }
                  return answer.build();
                })
            .onRemoved(Removal.DELETE)
            .remember("email")
            .quarantineAfter(1, Duration.ZERO)
            .build();
    assertThat(runAndSee(sync).total().accepted()).isEqualTo(2);
    database.execute(
        "update customer set email = '" + VALUE + " again' where id = 1",
        "delete from customer where id = 2");

    assertThat(runAndSee(sync).total().failed()).isEqualTo(2);

    try (SyncEngine engine = StandardEngine.on(secretSource(), state)) {
      List<HeldChange> holds = engine.holds(sync, 10);
      assertThat(holds).hasSize(2);
      holds.forEach(this::see);
      holds.forEach(hold -> see(hold.reason()));
      Explanation explanation = engine.explain(sync, 1);
      assertThat(explanation.row().text("email")).startsWith(VALUE);
      see(explanation);
      see(explanation.text());
      see(engine.explain(sync, 2));
      assertThat(engine.release(sync, 1)).isTrue();
      ChangeSet plan = engine.plan(sync);
      assertThat(plan.columnChanges()).containsEntry("email", 1L);
      see(plan);
      assertThat(plan.samples()).isNotEmpty();
      plan.samples().forEach(this::see);
      see(engine.storedPlan(sync));
      see(engine.apply(sync, plan.id()));
      see(engine.resync(sync));
      see(engine.reset(sync));
    }
    assertNothingShown();
  }

  @Test
  void aClearThatThrowsTheValueDoesNotShowIt() {
    RecordingDestination clearable = RecordingDestination.of("test:clearable");
    clearable.clearing(
        run -> {
          throw new IllegalStateException(VALUE, new SQLException(PASSWORD));
        });
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("rows", "select id, email from customer").key("id"))
            .to(clearable)
            .listener(this::see)
            .build();
    try (SyncEngine engine = StandardEngine.on(secretSource(), state)) {
      SyncReport report = engine.clearAndFill(sync);
      assertThat(report.status()).isEqualTo(RunStatus.FAILED);
      see(report);
      see(engine.status(sync));
      see(catchThrowable(() -> engine.reset(sync)));
    }
    assertNothingShown();
  }

  @Test
  void aLateAnswerThatThrowsTheValueDoesNotShowIt() throws InterruptedException {
    AtomicBoolean first = new AtomicBoolean(true);
    CountDownLatch over = new CountDownLatch(1);
    CountDownLatch told = new CountDownLatch(1);
    Sync sync =
        seeing(
                batch -> {
                  if (first.getAndSet(false)) {
                    awaitWhateverHappens(over);
                    throw new IllegalStateException(valueOf(batch));
                  }
                  return Delivery.allAccepted();
                })
            .listener(
                event -> {
                  if (event instanceof RunEvent.AnsweredLate) {
                    told.countDown();
                  }
                })
            .build();
    try {
      assertThat(runAndSee(sync).abandonedCalls()).isEqualTo(1);
    } finally {
      over.countDown();
    }
    assertThat(told.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(seen).anyMatch(text -> text.contains("write: threw java.lang.IllegalState"));
    assertNothingShown();
  }

  private static void awaitWhateverHappens(CountDownLatch latch) {
    while (true) {
      try {
        latch.await();
        return;
      } catch (InterruptedException e) {
        // a destination that does not heed it
      }
    }
  }

  @Test
  void aKeyThatIsGivenIsNotShown() throws SQLException {
    database.execute(
        "create type mood as enum ('ok')",
        "create domain mail as text check (value like '%@%')",
        "create domain short as varchar(3)",
        "create domain even as int check (value % 2 = 0)");
    for (String type :
        List.of(
            "int",
            "bigint",
            "numeric",
            "date",
            "time",
            "timestamp",
            "timestamptz",
            "uuid",
            "boolean",
            "bytea",
            "inet",
            "cidr",
            "macaddr",
            "mood",
            "mail",
            "even",
            "short",
            "varchar(3)",
            "char(3)",
            "name",
            "text")) {
      String sql = "select null::%s as id, email from customer limit 0".formatted(type);
      Sync sync =
          Sync.builder("crm")
              .model(Model.query("rows", sql).key("id"))
              .to(Destination.of("test:secrets", batch -> Delivery.allAccepted()))
              .listener(this::see)
              .build();
      try (SyncEngine engine = StandardEngine.on(secretSource(), state)) {
        engine.initialise(sync, Start.SEND);
        for (String text : List.of(VALUE, "\\x" + VALUE, "{" + VALUE, VALUE + "\0")) {
          RunOptions options = RunOptions.builder().key(text).build();
          see(options);
          for (ThrowingCallable request :
              List.<ThrowingCallable>of(
                  () -> see(engine.explain(sync, text)),
                  () -> see(engine.run(sync, options)),
                  () -> see(engine.release(sync, text)))) {
            Throwable refused = catchThrowable(request);
            if (refused != null) {
              assertThat(refused).as(type).isInstanceOf(ConfigurationException.class);
              see(refused);
            }
          }
        }
        engine.forget(sync);
      }
      assertThat(seen).as(type).noneMatch(text -> text.contains(VALUE) || text.contains(PASSWORD));
    }
  }

  @Test
  @DisplayName(
      "S-04: threads, their stacks and the beans of the JVM show nothing while rows are sent")
  void whatTheJvmShowsOfItselfHoldsNothing() {
    List<String> names = new ArrayList<>();
    SyncReport report =
        runAndSee(
            "select id, email from customer",
            "id",
            batch -> {
              Thread.getAllStackTraces()
                  .forEach(
                      (thread, stack) -> {
                        names.add(thread.getName());
                        see(thread);
                        see(thread.getThreadGroup());
                        see(List.of(stack));
                      });
              for (ThreadInfo info :
                  ManagementFactory.getThreadMXBean().dumpAllThreads(true, true)) {
                see(info);
              }
              seeBeans();
              return Delivery.allAccepted();
            });
    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(names).anyMatch(name -> name.startsWith("fulmar-crm-lane"));
    assertThat(seen).anyMatch(text -> text.contains("java.lang:type=Runtime SpecVersion"));
    assertNothingShown();
  }

  private void seeBeans() {
    MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    for (ObjectName name : server.queryNames(null, null)) {
      try {
        for (MBeanAttributeInfo attribute : server.getMBeanInfo(name).getAttributes()) {
          if (attribute.isReadable()) {
            seeAttribute(server, name, attribute.getName());
          }
        }
      } catch (JMException e) {
        see(name);
      }
    }
  }

  private void seeAttribute(MBeanServer server, ObjectName name, String attribute) {
    try {
      Object value = server.getAttribute(name, attribute);
      see(name + " " + attribute + " " + (value instanceof Object[] all ? List.of(all) : value));
    } catch (JMException | RuntimeException e) {
      see(name + " " + attribute);
    }
  }

  @Test
  @DisplayName("S-04: a password in a JDBC URL or an option is not shown, right or wrong")
  void aPasswordInAnOptionIsNotShown() {
    String place = "jdbc:postgresql://" + database.host() + ":" + database.port() + "/";
    for (String url :
        List.of(
            place + database.name() + "?user=nobody&sslmode=disable&password=" + PASSWORD,
            place + database.name() + "?user=nobody&password=" + PASSWORD + "&nonsense=1",
            place + database.name() + "?password=" + PASSWORD + "%zz",
            "jdbc:postgresql://user:" + PASSWORD + "@" + database.host() + "/x",
            "jdbc:postgresql:" + PASSWORD,
            "postgresql://user:" + PASSWORD + "@" + database.host() + "/x",
            PASSWORD)) {
      Throwable refused =
          catchThrowable(
              () -> {
                Source source = Source.builder(url).connectTimeout(Duration.ofSeconds(1)).build();
                see(source);
                try (SyncEngine engine = StandardEngine.on(source, state)) {
                  see(engine.run(seeing(batch -> Delivery.allAccepted()).build()));
                }
              });
      assertThat(refused).isNotNull();
      see(refused);
    }
    for (String key : List.of("password", "passwort", "host", "port", "tls", "connectTimeout")) {
      Throwable refused =
          catchThrowable(
              () ->
                  see(Source.of(Map.of("host", "h", "database", "d", key, PASSWORD, "user", "u"))));
      see(refused);
    }
    assertNothingShown();
  }

  @Test
  @DisplayName(
      "S-04: what an HTTP server says of a row, and the headers that were sent, are not shown")
  void whatAnHttpServerSaysIsNotShown() throws Exception {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    AtomicInteger status = new AtomicInteger();
    AtomicInteger authorised = new AtomicInteger();
    server.createContext(
        "/",
        exchange -> {
          String header = exchange.getRequestHeaders().getFirst("Authorization");
          authorised.addAndGet(String.valueOf(header).contains(PASSWORD) ? 1 : 0);
          byte[] body = exchange.getRequestBody().readAllBytes();
          exchange.getResponseHeaders().add("X-Echo", VALUE);
          exchange.sendResponseHeaders(status.get(), body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    try {
      URI base = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
      HttpDestination destination =
          HttpDestination.builder(base)
              .request(Action.UPSERT, "POST", "/contacts")
              .bearerToken(Secret.of(PASSWORD))
              .header("X-Key", Secret.of(PASSWORD))
              .allowPrivateAddresses()
              .allowPlainHttp()
              .build();
      see(destination);
      for (int code : new int[] {400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 302, 200}) {
        status.set(code);
        Sync sync =
            Sync.builder("http" + code)
                .model(Model.query("rows", "select id, email from customer").key("id"))
                .to(destination)
                .retryFor(Duration.ZERO)
                .listener(this::see)
                .build();
        see(sync);
        Throwable refused = catchThrowable(() -> see(runAndSee(sync)));
        see(refused);
      }
    } finally {
      server.stop(0);
    }
    assertThat(authorised.get()).isGreaterThan(11);
    assertNothingShown();
  }

  @Test
  @DisplayName("S-04: a check shows neither")
  void aCheckShowsNothing() {
    Source wrong = sourceBuilder().password(Secret.of(PASSWORD)).user("nobody").build();
    Sync sync = seeing(batch -> Delivery.allAccepted()).build();
    for (Source source : List.of(secretSource(), wrong)) {
      try (SyncEngine engine = StandardEngine.on(source, state)) {
        for (CheckReport report : List.of(engine.check(), engine.check(sync))) {
          see(report);
          see(report.text());
          see(catchThrowable(report::throwIfFailed));
        }
      }
    }
    assertNothingShown();
  }

  private static String valueOf(Batch batch) {
    return String.valueOf(batch.changes().get(0).row().text("email"));
  }
}
