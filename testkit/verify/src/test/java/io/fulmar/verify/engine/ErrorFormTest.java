package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.fulmar.Action;
import io.fulmar.AlreadyRunningException;
import io.fulmar.ConfigurationException;
import io.fulmar.DeliveryException;
import io.fulmar.FulmarException;
import io.fulmar.Mapping;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunFailedException;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.Start;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Verdict;
import io.fulmar.testkit.FreePort;
import io.fulmar.testkit.RecordingDestination;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

/**
 * Every error that an application meets on the way from the source to the destination: its type,
 * its SQLSTATE, and the form that its message has. The database holds ten rows, whose values hold a
 * canary that no message may show.
 */
@DisplayName("Errors read Cannot <verb> <thing>: <fact>. <Remedy>. [sync=... run=... sqlstate=...]")
class ErrorFormTest extends SourceFixture {
  private static final String CANARY = "canary-7f3a";

  /** Provokes an error, thrown or in a report. */
  private interface Provocation {
    SyncReport provoke(ErrorFormTest test) throws Exception;
  }

  /**
   * An error.
   *
   * @param what it is about
   * @param type its class
   * @param tail a pattern of what stands between the brackets
   * @param words of its fact or remedy
   * @param provocation what leads to it
   */
  private record Case(
      String what,
      Class<? extends FulmarException> type,
      String tail,
      List<String> words,
      Provocation provocation) {
    @Override
    public String toString() {
      return what;
    }
  }

  private static final Logger LOG = (Logger) LoggerFactory.getLogger("io.fulmar.run");
  private static final List<String> STEPS =
      List.of("claim", "recover", "plan", "clear", "deliver", "fold");
  private static final String RUN = "sync=crm run=\\d+";

  @BeforeEach
  void createTable() throws Exception {
    database.execute(
        "create table t (id int primary key, v text)",
        "insert into t select i, '" + CANARY + "' || i from generate_series(1, 10) i",
        "create function wipe() returns int language plpgsql as 'begin delete from t; return 1;"
            + " end'");
  }

  static Stream<Case> cases() {
    return Stream.of(
        model("syntax", "selec id", RUN, "syntax error", "one statement that returns rows"),
        model(
            "no such table", "select id from nothing", RUN, "relation \"nothing\" does not exist"),
        model("two statements", "select 1 as id; select 2", RUN, "one statement"),
        model("duplicate column", "select 1 as id, 2 as id", RUN, "\"id\" twice", "\"as\""),
        model("no columns", "select", RUN, "no columns", "Select at least the key"),
        model("missing key", "select v from t", RUN, "\"id\" but v", "exactly this spelling"),
        model(
            "key type",
            "select 1.5::float8 as id",
            RUN,
            "\"id\" of type double precision",
            "\"id\"::numeric"),
        model("character 0", "select 1 as id\0", RUN, "the character 0", "Remove it"),
        model(
            "no such column",
            "select id,\n  w from t",
            RUN,
            "\"w\" does not exist (line 2, column 3)",
            "names of the columns"),
        new Case(
            "condition of a table",
            ConfigurationException.class,
            RUN,
            List.of("its condition is not one condition", "each of its own opened and closed"),
            test ->
                test.run(
                    test.of(Model.table("rows", "public", "t").where("true) or (true").key("id")))),
        new Case(
            "no such table by name",
            ConfigurationException.class,
            RUN,
            List.of("relation \"public.T\" does not exist", "Look at its name"),
            test -> test.run(test.of(Model.table("rows", "public", "T").key("id")))),
        new Case(
            "row security",
            ConfigurationException.class,
            RUN,
            List.of("row-level security policy for table \"t\"", "Model.allowRowSecurity()"),
            test -> {
              test.database.execute(
                  "alter table t enable row level security", "grant select on t to public");
              return test.run(
                  test.sourceBuilder().user(test.role("nosuperuser")).build(), test.plain());
            }),
        source(
            "division by zero",
            "select id / (id - 5) as id from t",
            "22012",
            "could not be computed"),
        source("invalid cast", "select id, v::int from t", "22P02", "mend the model or the row"),
        source(
            "two rows", "select 1 as id, (select v from t)", "21000", "mend the model or the row"),
        source("writes", "select id, wipe() from t", "25006", "make it a plain query"),
        new Case(
            "statement timeout",
            SourceException.class,
            RUN + " sqlstate=57014",
            List.of("timeout", "statementTimeout"),
            test ->
                test.run(
                    test.sourceBuilder().statementTimeout(Duration.ofMillis(300)).build(),
                    test.sync("select 1 as id, pg_sleep(9)::text as v", "id").build())),
        new Case(
            "lock timeout",
            SourceException.class,
            RUN + " sqlstate=55P03",
            List.of("lock", "lockTimeout"),
            ErrorFormTest::locked),
        new Case(
            "no privilege",
            SourceException.class,
            RUN + " sqlstate=42501",
            List.of("permission denied for table t", "grant select"),
            ErrorFormTest::withoutPrivilege),
        new Case(
            "no such role",
            SourceException.class,
            RUN + " sqlstate=28000",
            List.of("role \"nobody\" does not exist", "pg_hba.conf"),
            test -> test.run(test.quick().user("nobody").build(), test.plain())),
        new Case(
            "no such database",
            SourceException.class,
            RUN + " sqlstate=3D000",
            List.of("database \"nothing\" does not exist", "name of the database"),
            test -> test.run(test.quick().database("nothing").build(), test.plain())),
        new Case(
            "no connection left for the role",
            SourceException.class,
            RUN + " sqlstate=53300",
            List.of("too many connections for role", "alter role ... connection limit"),
            test ->
                test.run(test.quick().user(test.role("connection limit 0")).build(), test.plain())),
        new Case(
            "temporary files",
            SourceException.class,
            RUN + " sqlstate=53400",
            List.of("temp_file_limit", "alter role ... set temp_file_limit"),
            test -> {
              String role = test.role("superuser");
              test.database.execute(
                  "alter role " + role + " set temp_file_limit = '64kB'",
                  "alter role " + role + " set work_mem = '64kB'");
              return test.run(
                  test.sourceBuilder().user(role).build(),
                  test.sync("select i as id from generate_series(1, 99999) i order by -i", "id")
                      .build());
            }),
        new Case(
            "nobody listens",
            SourceException.class,
            RUN + " sqlstate=08001",
            List.of("refuses connections", "Look at host and port"),
            test -> test.run(test.quick().port(FreePort.choose()).build(), test.plain())),
        new Case(
            "another key",
            ConfigurationException.class,
            RUN,
            List.of("its key was (id integer) and now is (v text)", "reset the sync"),
            test -> {
              test.run(test.plain()).throwIfFailed();
              return test.run(test.sync("select id, v from t", "v").build());
            }),
        new Case(
            "another destination",
            StateException.class,
            "sync=crm",
            List.of("test:recording", "test:other", "another name"),
            test -> {
              test.run(test.plain()).throwIfFailed();
              return test.run(
                  Sync.builder("crm")
                      .model(Model.query("rows", "select id, v from t").key("id"))
                      .to(RecordingDestination.of("test:other"))
                      .build());
            }),
        new Case(
            "unknown plan",
            StateException.class,
            RUN,
            List.of("there is no such plan", "None is stored"),
            test -> {
              try (SyncEngine engine = StandardEngine.on(test.source(), test.state)) {
                return engine.apply(test.plain(), "4711");
              }
            }),
        new Case(
            "no state",
            StateException.class,
            "sync=crm",
            List.of("there is none in", "Bring it back"),
            test -> {
              try (SyncEngine engine =
                  StandardEngine.builder(test.source(), test.state)
                      .requireExistingState()
                      .build()) {
                return engine.run(test.plain());
              }
            }),
        new Case(
            "damaged state",
            StateException.class,
            "sync=crm",
            List.of("Forget the sync"),
            ErrorFormTest::damaged),
        new Case(
            "already running",
            AlreadyRunningException.class,
            "sync=crm",
            List.of("it is running", "Wait for that run"),
            ErrorFormTest::twice),
        new Case(
            "held",
            RunFailedException.class,
            RUN,
            List.of("the model is empty", "Approve it by engine.apply(sync, \""),
            test -> {
              Sync sync = test.sync("select id, v from t", "id").onRemoved(Removal.DELETE).build();
              test.run(sync).throwIfFailed();
              test.database.execute("truncate t");
              return test.run(sync).throwIfFailed();
            }),
        new Case(
            "stopped by the destination",
            DeliveryException.class,
            RUN,
            List.of("stopped the run (QUOTA): used up", "the rest stays due"),
            test -> {
              test.destination.answers(
                  (run, batch) -> {
                    throw new StopRunException("QUOTA", "used up.");
                  });
              return test.run(test.plain());
            }),
        new Case(
            "destination not reached",
            DeliveryException.class,
            RUN,
            List.of("nothing was applied within", "the rest stays due"),
            test -> {
              test.destination.answers(
                  (run, batch) -> {
                    throw new NotAppliedException("unreachable", (Throwable) null);
                  });
              return test.run(
                  test.sync("select id, v from t", "id").retryFor(Duration.ZERO).build());
            }),
        new Case(
            "cancelled",
            DeliveryException.class,
            RUN,
            List.of("the run was cancelled", "The rest stays due"),
            ErrorFormTest::cancelled),
        new Case(
            "column of the mapping",
            ConfigurationException.class,
            RUN,
            List.of("the column \"w\", which the model rows does not return", "it returns id, v"),
            test ->
                test.run(
                    test.sync("select id, v from t", "id")
                        .mapping(Mapping.builder().column("id").column("w").build())
                        .build())),
        new Case(
            "too many fail",
            DeliveryException.class,
            RUN,
            List.of("4 of 4 changes failed", "more than 50 % after 4", "the rest stays due"),
            test -> {
              test.destination.verdicts(
                  change -> new Verdict.Rejected("BAD", "no", Verdict.Retry.NEXT_RUN));
              return test.run(
                  test.sync("select id, v from t", "id").batchRows(2).failFast(0.5, 4).build());
            }),
        new Case(
            "calls pass their deadline",
            DeliveryException.class,
            RUN,
            List.of("deadline", "the rest stays due"),
            test -> {
              test.destination.answers(
                  (run, batch) -> {
                    new CountDownLatch(1).await();
                    return Delivery.allAccepted();
                  });
              return test.run(
                  test.sync("select id, v from t", "id")
                      .callDeadline(Duration.ofSeconds(1))
                      .build());
            }),
        new Case(
            "lower revision",
            ConfigurationException.class,
            "sync=crm",
            List.of("this is revision 2 of it, and revision 3 has run", "raise the revision"),
            test -> {
              test.run(test.sync("select id, v from t", "id").revision(3).build());
              return test.run(test.sync("select id, v from t", "id").revision(2).build());
            }),
        engine(
            "initialised twice",
            StateException.class,
            "sync=crm",
            List.of("it has a state in", "forget it first"),
            (test, engine) -> {
              engine.initialise(test.plain(), Start.SEND);
              engine.initialise(test.plain(), Start.BASELINE);
            }),
        engine(
            "initialising has not ended",
            StateException.class,
            "sync=crm",
            List.of("that did not end", "Initialise it again"),
            (test, engine) -> {
              Sync failing = test.sync("select id, v::int from t", "id").build();
              assertThat(catchThrowable(() -> engine.initialise(failing, Start.BASELINE)))
                  .isInstanceOf(SourceException.class);
              engine.run(test.plain()).throwIfFailed();
            }),
        engine(
            "forgotten while a call may act",
            StateException.class,
            "sync=crm",
            List.of("a call that gave no answer may still act until", "Forget it after that"),
            (test, engine) -> {
              test.losesItsAnswers();
              assertThat(engine.run(test.plain()).total().failed()).isEqualTo(10);
              engine.forget(test.plain());
            }),
        engine(
            "rebound without a state",
            StateException.class,
            "sync=crm",
            List.of("it has no state in", "Run it with its new destination"),
            (test, engine) -> engine.rebind(test.plain(), test.destination)),
        engine(
            "reset without a state",
            StateException.class,
            "sync=crm",
            List.of("there is none in", "initialise the sync"),
            (test, engine) -> engine.reset(test.plain())),
        engine(
            "reset while a clear may act",
            StateException.class,
            RUN,
            List.of("a clear of the destination may still act until", "Reset it after that"),
            (test, engine) -> {
              test.clearFails(engine);
              engine.reset(test.plain());
            }),
        engine(
            "planned after a clear without end",
            StateException.class,
            RUN,
            List.of("a clear of the destination is not known to have ended", "Run it first"),
            (test, engine) -> {
              test.clearFails(engine);
              assertThat(engine.plan(test.plain())).isNull();
            }),
        engine(
            "cannot be cleared",
            ConfigurationException.class,
            "sync=crm",
            List.of("does not say that it can be cleared", "Empty it yourself"),
            (test, engine) -> {
              Capabilities capabilities = Capabilities.builder().actions(Action.values()).build();
              Destination other = RecordingDestination.of("test:other", capabilities);
              Model model = Model.query("rows", "select id, v from t").key("id");
              engine
                  .clearAndFill(Sync.builder("crm").model(model).to(other).build())
                  .throwIfFailed();
            }),
        engine(
            "filled by UPDATE",
            ConfigurationException.class,
            "sync=crm",
            List.of("nothing to update", "Use another mode"),
            (test, engine) ->
                engine
                    .clearAndFill(
                        test.sync("select id, v from t", "id").mode(SyncMode.UPDATE).build())
                    .throwIfFailed()),
        clear(
            "clear throws",
            "clearing it threw java.io.IOException",
            run -> {
              throw new IOException(CANARY);
            }),
        clear(
            "clear is refused",
            "it refuses (LOCKED): not now",
            run -> {
              throw new BatchRejectedException("LOCKED", "not now");
            }),
        clear(
            "clear stops the run",
            "it stopped the run (QUOTA): used up",
            run -> {
              throw new StopRunException("QUOTA", "used up");
            }),
        clear(
            "clear is not applied",
            "it was not cleared within PT0S: unreachable",
            run -> {
              throw new NotAppliedException("unreachable", (Throwable) null);
            }),
        engine(
            "key of another number of columns",
            ConfigurationException.class,
            "sync=crm",
            List.of("2 columns were given, and the key has 1 (id integer)"),
            (test, engine) -> assertThat(engine.explain(test.plain(), 1, CANARY)).isNull()),
        engine(
            "key of another type",
            ConfigurationException.class,
            "sync=crm",
            List.of("what was given is no value of the key (id integer)"),
            (test, engine) -> assertThat(engine.explain(test.plain(), CANARY)).isNull()),
        engine(
            "key of a run that does not fit",
            ConfigurationException.class,
            RUN,
            List.of("what was given is no value of the key (id integer)"),
            (test, engine) ->
                engine
                    .run(test.plain(), RunOptions.builder().key(1).key(CANARY).build())
                    .throwIfFailed()),
        engine(
            "key to release that does not fit",
            ConfigurationException.class,
            "sync=crm",
            List.of("what was given is no value of the key (id integer)"),
            (test, engine) -> {
              engine.run(test.plain()).throwIfFailed();
              assertThat(engine.release(test.plain(), CANARY)).isFalse();
            }),
        engine(
            "key with the character 0",
            ConfigurationException.class,
            "sync=crm",
            List.of("what was given is no value of the key (v text)"),
            (test, engine) -> {
              Sync sync = test.sync("select id, v from t", "v").build();
              assertThat(engine.explain(sync, CANARY + "\0")).isNull();
            }),
        engine(
            "key with half a character",
            ConfigurationException.class,
            "sync=crm",
            List.of("what was given is no value of the key (v text)"),
            (test, engine) -> {
              Sync sync = test.sync("select id, v from t", "v").build();
              assertThat(engine.explain(sync, CANARY + "\ud800")).isNull();
            }),
        engine(
            "expired plan",
            StateException.class,
            RUN,
            List.of("it has expired (planExpiry PT1M)", "Run or plan anew"),
            (test, engine) -> {
              Sync sync =
                  test.sync("select id, v from t", "id").planExpiry(Duration.ofMinutes(1)).build();
              String id = engine.plan(sync).id();
              Clock later = Clock.offset(Clock.systemUTC(), Duration.ofMinutes(2));
              try (SyncEngine other =
                  StandardEngine.builder(test.source(), test.state).clock(later).build()) {
                other.apply(sync, id).throwIfFailed();
              }
            }),
        engine(
            "stale plan",
            StateException.class,
            RUN,
            List.of("mode or removal have changed since it was made", "Run or plan anew"),
            (test, engine) -> {
              String id = engine.plan(test.plain()).id();
              Sync other = test.sync("select id, v from t", "id").onRemoved(Removal.DELETE).build();
              engine.apply(other, id).throwIfFailed();
            }),
        new Case(
            "cancelled plan",
            DeliveryException.class,
            RUN,
            List.of("it was cancelled", "Nothing was sent"),
            test -> {
              AtomicReference<SyncEngine> cancelled = new AtomicReference<>();
              UnaryOperator<Runnable> cancelsFirst =
                  task ->
                      () -> {
                        cancelled.get().cancel(test.plain());
                        task.run();
                      };
              try (SyncEngine engine =
                  StandardEngine.builder(test.source(), test.state).context(cancelsFirst).build()) {
                cancelled.set(engine);
                throw new AssertionError(engine.plan(test.plain()));
              }
            }),
        engine(
            "state in use by another engine",
            AlreadyRunningException.class,
            "sync=crm",
            List.of("another run holds", "Wait for it to end"),
            (test, engine) -> {
              AtomicReference<Throwable> second = new AtomicReference<>();
              test.destination.answers(
                  (run, batch) -> {
                    second.set(catchThrowable(() -> test.run(test.plain()).throwIfFailed()));
                    return Delivery.allAccepted();
                  });
              engine.run(test.plain()).throwIfFailed();
              throw second.get();
            }));
  }

  /** What is asked of an engine that leads to an error. */
  private interface Request {
    void ask(ErrorFormTest test, SyncEngine engine) throws Throwable;
  }

  private static Case engine(
      String what,
      Class<? extends FulmarException> type,
      String tail,
      List<String> words,
      Request request) {
    return new Case(
        what,
        type,
        tail,
        words,
        test -> {
          try (SyncEngine engine = StandardEngine.on(test.source(), test.state)) {
            request.ask(test, engine);
          } catch (Exception | Error e) {
            throw e;
          } catch (Throwable e) {
            throw new AssertionError(e);
          }
          throw new AssertionError("nothing was refused");
        });
  }

  private static Case clear(String what, String why, RecordingDestination.Clearing clearing) {
    return new Case(
        what,
        DeliveryException.class,
        RUN,
        List.of("the destination is to be cleared, and " + why, "the next run clears it again"),
        test -> {
          test.destination.clearing(clearing);
          try (SyncEngine engine = StandardEngine.on(test.source(), test.state)) {
            return engine.clearAndFill(
                test.sync("select id, v from t", "id").retryFor(Duration.ZERO).build());
          }
        });
  }

  private void losesItsAnswers() {
    destination.answers(
        (run, batch) -> {
          throw new IOException(CANARY);
        });
  }

  private void clearFails(SyncEngine engine) {
    destination.clearing(
        run -> {
          throw new IOException(CANARY);
        });
    assertThat(engine.clearAndFill(plain()).status()).isEqualTo(RunStatus.FAILED);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  @DisplayName(
      "P11: each error has its type, form and remedy, its log lines name sync, run and step, and no value is shown")
  void errorHasItsForm(Case one) {
    AtomicReference<Throwable> reported = new AtomicReference<>();
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    lines.start();
    Level level = LOG.getLevel();
    LOG.setLevel(Level.INFO);
    LOG.addAppender(lines);
    Throwable thrown = catchThrowable(() -> reported.set(one.provocation().provoke(this).error()));
    LOG.detachAppender(lines);
    LOG.setLevel(level);
    Throwable error = thrown == null ? reported.get() : thrown;

    assertThat(error).isExactlyInstanceOf(one.type());
    assertThat(error.getMessage())
        .matches("(?s)Cannot [a-z]+ \\S.*?: \\S.*[.] [A-Z].*[.] \\[" + one.tail() + "]")
        .contains(one.words())
        .doesNotContain("null", "  ", "\n")
        .doesNotContainPattern("(?<![.])[.] ?[.](?![.])");
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      assertThat(cause.toString()).doesNotContain(CANARY);
      for (Throwable suppressed : cause.getSuppressed()) {
        assertThat(suppressed.toString()).doesNotContain(CANARY);
      }
    }
    for (ILoggingEvent line : List.copyOf(lines.list)) {
      assertThat(line.getMDCPropertyMap())
          .as(line.getFormattedMessage())
          .containsEntry("fulmar.sync", "crm")
          .containsKey("fulmar.step");
      assertThat(line.getMDCPropertyMap().get("fulmar.run")).matches("\\d+");
      assertThat(line.getFormattedMessage()).doesNotContain(CANARY);
    }
    if (reported.get() != null && !one.what().startsWith("cancelled")) {
      assertThat(lines.list)
          .anyMatch(
              line ->
                  line.getLevel() == Level.ERROR
                      && line.getFormattedMessage().startsWith("Cannot ")
                      && STEPS.contains(line.getMDCPropertyMap().get("fulmar.step")));
    }
    String state = one.tail().replaceFirst(".*sqlstate=", "");
    if (error instanceof SourceException source) {
      assertThat(source.sqlState()).isEqualTo(state);
    }
  }

  private static Case model(String what, String sql, String tail, String... words) {
    return new Case(
        what,
        ConfigurationException.class,
        tail,
        List.of(words),
        test -> test.run(test.sync(sql, "id").build()));
  }

  private static Case source(String what, String sql, String state, String... words) {
    return new Case(
        what,
        SourceException.class,
        RUN + " sqlstate=" + state,
        List.of(words),
        test -> test.run(test.sync(sql, "id").build()));
  }

  private Sync of(Model model) {
    return Sync.builder("crm").model(model).to(destination).build();
  }

  private Sync plain() {
    return sync("select id, v from t", "id").build();
  }

  private Source.Builder quick() {
    return sourceBuilder()
        .password(Secret.of("secret-" + CANARY))
        .allowWeakAuthentication()
        .connectTimeout(Duration.ofMillis(500));
  }

  private SyncReport locked() throws Exception {
    try (Connection lock = database.connect();
        Statement statement = lock.createStatement()) {
      lock.setAutoCommit(false);
      statement.execute("lock table t in access exclusive mode");
      return run(sourceBuilder().lockTimeout(Duration.ofMillis(200)).build(), plain());
    }
  }

  private SyncReport withoutPrivilege() throws Exception {
    return run(sourceBuilder().user(role("")).build(), plain());
  }

  /** A role that may log in. */
  private String role(String options) throws SQLException {
    String role = "role_" + database.name();
    database.execute("create role " + role + " login " + options);
    return role;
  }

  private SyncReport damaged() throws IOException {
    run(plain()).throwIfFailed();
    try (Stream<Path> files = Files.walk(state)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (Files.size(file) > 0) {
          Files.write(file, new byte[] {1, 2, 3});
        }
      }
    }
    return run(plain());
  }

  private SyncReport twice() {
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      AtomicReference<Throwable> second = new AtomicReference<>();
      destination.answers(
          (run, batch) -> {
            second.set(catchThrowable(() -> engine.run(plain()).throwIfFailed()));
            return Delivery.allAccepted();
          });
      engine.run(plain()).throwIfFailed();
      if (second.get() instanceof FulmarException e) {
        throw e;
      }
      throw new AssertionError("two runs of a sync at once", second.get());
    }
  }

  private SyncReport cancelled() {
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      Sync sync = sync("select id, v from t", "id").batchRows(2).build();
      destination.answers(
          (run, batch) -> {
            engine.cancel(sync);
            return Delivery.allAccepted();
          });
      return engine.run(sync);
    }
  }
}
