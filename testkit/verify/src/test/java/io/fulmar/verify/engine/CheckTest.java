package io.fulmar.verify.engine;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.CheckFailedException;
import io.fulmar.CheckReport;
import io.fulmar.CheckReport.Verdict;
import io.fulmar.Model;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckSteps;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.internal.postgres.HotStandby;
import io.fulmar.testkit.internal.postgres.PgBouncer;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.verify.fixture.UnconnectedSockets;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import javax.net.SocketFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * What a check says of a source that works and of one that does not, step by step. The server is
 * one of its own, on which nobody but a test takes a transaction number.
 */
class CheckTest extends SourceFixture {
  private static TestPostgres quiet;

  @Override
  TestPostgres server() {
    if (quiet == null) {
      quiet =
          TestPostgres.builder()
              .parameter("timezone", "Asia/Kathmandu")
              .parameter("autovacuum", "off")
              .start();
    }
    return quiet;
  }

  @AfterAll
  static void stopServer() {
    quiet.close();
    quiet = null;
  }

  static CheckReport check(Source source, Sync sync, Path state) {
    try (SyncEngine engine = StandardEngine.on(source, state)) {
      return sync == null ? engine.check() : engine.check(sync);
    }
  }

  static List<String> verdicts(CheckReport report) {
    return report.steps().stream()
        .map(step -> step.name() + " " + step.verdict())
        .collect(Collectors.toList());
  }

  static CheckReport.Step step(CheckReport report, String name) {
    return report.steps().stream().filter(s -> s.name().equals(name)).findFirst().orElseThrow();
  }

  /** A destination with steps of its own. */
  private class Looked implements Destination {
    final List<CheckContext> asked = new ArrayList<>();

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
      throw new AssertionError("a check sends nothing");
    }

    @Override
    public void check(CheckContext sync, CheckSteps steps) {
      asked.add(sync);
      steps.step("endpoint", findings -> findings.found("answers"));
      steps.stepAfter(
          "endpoint", "fields", findings -> findings.failure("there is no field x", "Add it"));
      steps.stepAfter("fields", "limits", findings -> findings.found("never"));
      steps.step(
          "token",
          findings -> {
            throw new java.io.IOException("the secret");
          });
    }
  }

  @Test
  void aDestinationSaysWhatItFindsAfterTheRest() throws SQLException {
    database.execute("create table item (id int primary key, name text)");
    Looked looked = new Looked();
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("rows", "select id, name from item").key("id"))
            .to(looked)
            .build();
    CheckReport report = check(source(), sync, state);
    assertThat(verdicts(report))
        .contains("model PASSED")
        .endsWith(
            "destination endpoint PASSED",
            "destination fields FAILED",
            "destination limits SKIPPED",
            "destination token FAILED");
    assertThat(step(report, "destination limits").found())
        .containsExactly("needs destination fields");
    assertThat(looked.asked)
        .singleElement()
        .satisfies(
            asked -> {
              assertThat(asked.sync()).isEqualTo("crm");
              assertThat(asked.key()).containsExactly("id");
              assertThat(asked.columns())
                  .containsExactly(
                      new CheckContext.Column("id", "integer"),
                      new CheckContext.Column("name", "text"));
            });
    assertThatThrownBy(report::throwIfFailed)
        .isInstanceOf(CheckFailedException.class)
        .hasMessageContaining("destination fields: there is no field x")
        .hasMessageContaining("Add it.")
        .hasMessageContaining("destination token: it threw java.io.IOException")
        .hasMessageNotContaining("secret");
  }

  /** What fails in a test, as bits: the network, the credentials, the list, the state. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
  @DisplayName("K-01: each step has its verdict, and those that need no failed one are taken")
  void eachStepFailsAloneAndWithTheOthers(int failing) throws SQLException {
    boolean network = (failing & 1) != 0;
    boolean credentials = (failing & 2) != 0;
    boolean list = (failing & 4) != 0;
    boolean engine = (failing & 8) != 0;
    database.execute(
        "create table item (id int primary key)",
        "create role \"no reader\" login",
        "revoke all on schema public from public");
    Source.Builder source = sourceBuilder();
    if (network) {
      source.port(1);
    }
    if (list) {
      source.user("no reader");
    }
    if (credentials) {
      source.user("nobody at all");
    }
    Path directory = engine ? state.resolve("missing") : state;
    StandardEngine.Builder builder = StandardEngine.builder(source.build(), directory);
    try (SyncEngine checked = builder.requireExistingState().build()) {
      CheckReport report = checked.check();
      boolean in = !network && !credentials;
      assertThat(verdicts(report))
          .containsExactly(
              "network " + (network ? "FAILED" : "PASSED"),
              "credentials " + (network ? "SKIPPED" : credentials ? "FAILED" : "PASSED"),
              "list schemas and tables " + (in ? list ? "FAILED" : "PASSED" : "SKIPPED"),
              "privileges " + (in ? list ? "PASSED" : "WARNING" : "SKIPPED"),
              "state directory " + (engine ? "FAILED" : "PASSED"),
              "state storage " + (engine ? "SKIPPED" : "WARNING"));
      assertThat(report.passed()).isEqualTo(failing == 0);
      assertThat(report.steps())
          .filteredOn(step -> step.verdict() == Verdict.FAILED)
          .allSatisfy(step -> assertThat(step.found()).isNotEmpty())
          .allSatisfy(step -> assertThat(step.remedies()).isNotEmpty());
      if (failing != 0) {
        assertThatThrownBy(report::throwIfFailed).isInstanceOf(CheckFailedException.class);
      }
    } finally {
      database.execute("drop owned by \"no reader\"", "drop role \"no reader\"");
    }
  }

  /** Does something before the second socket is made. */
  private static SocketFactory beforeTheSecond(Runnable what) {
    AtomicInteger made = new AtomicInteger();
    return new UnconnectedSockets() {
      @Override
      public Socket createSocket() {
        if (made.incrementAndGet() == 2) {
          what.run();
        }
        return new Socket();
      }
    };
  }

  @Test
  @DisplayName(
      "K-02: a server that is too slow for the first attempt gets a second one, and it says so")
  void aColdServerGetsASecondAttempt() throws Exception {
    database.execute("create table item (id int primary key)");
    try (FaultProxy proxy = FaultProxy.before(database.host(), database.port())) {
      proxy.silence();
      Source source =
          sourceBuilder()
              .port(proxy.port())
              .connectTimeout(Duration.ofSeconds(1))
              .socketFactory(beforeTheSecond(proxy::heal))
              .build();
      CheckReport report = check(source, null, state).throwIfFailed();
      assertThat(step(report, "network").verdict()).isEqualTo(Verdict.PASSED);
      assertThat(step(report, "network").found())
          .anyMatch(fact -> fact.startsWith("the first attempt to connect failed: "))
          .contains("the second one succeeded: the server was cold, or busy");
      assertThat(report.took()).isLessThan(Duration.ofSeconds(20));
    }
  }

  @Test
  @DisplayName("K-02: a server that never answers takes no longer than the bound of the check")
  void aServerThatNeverAnswersTakesNoLongerThanTheBound() throws Exception {
    try (FaultProxy proxy = FaultProxy.before(database.host(), database.port())) {
      proxy.silence();
      Source source =
          sourceBuilder().port(proxy.port()).connectTimeout(Duration.ofMinutes(5)).build();
      StandardEngine.Builder builder =
          StandardEngine.builder(source, state).checkTimeout(Duration.ofSeconds(3));
      try (SyncEngine engine = builder.build()) {
        CheckReport report = engine.check();
        assertThat(verdicts(report)).startsWith("network FAILED", "credentials SKIPPED");
        assertThat(report.took()).isLessThan(Duration.ofSeconds(6));
      }
    }
  }

  @Test
  void aDestinationThatHangsEndsWithTheCheckAndTheRestIsReported() throws Exception {
    database.execute("create table item (id int primary key)");
    CountDownLatch interrupted = new CountDownLatch(1);
    Destination hanging =
        new Looked() {
          @Override
          public void check(CheckContext sync, CheckSteps steps) {
            steps.step(
                "endpoint",
                findings -> {
                  findings.found("dialled");
                  try {
                    new CountDownLatch(1).await();
                  } finally {
                    interrupted.countDown();
                  }
                });
          }
        };
    Sync sync = sync("select id from item", "id").to(hanging).build();
    StandardEngine.Builder builder =
        StandardEngine.builder(source(), state).checkTimeout(Duration.ofSeconds(3));
    try (SyncEngine engine = builder.build()) {
      CheckReport report = engine.check(sync);
      assertThat(verdicts(report)).contains("model PASSED").endsWith("destination endpoint FAILED");
      assertThat(step(report, "destination endpoint").found())
          .containsExactly("dialled", "no end within PT3S (checkTimeout)");
      assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void anInterruptEndsTheCheckAndIsKept() throws Exception {
    try (FaultProxy proxy = FaultProxy.before(database.host(), database.port())) {
      proxy.silence();
      Source source =
          sourceBuilder().port(proxy.port()).connectTimeout(Duration.ofMinutes(5)).build();
      try (SyncEngine engine = StandardEngine.on(source, state)) {
        Thread.currentThread().interrupt();
        CheckReport report = engine.check();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(report.passed()).isFalse();
        assertThat(report.steps()).anyMatch(s -> s.found().contains("the check was interrupted"));
      }
    }
  }

  @Test
  void aCheckThatIsInterruptedBetweenTwoStepsHasNotPassed() throws Exception {
    database.execute("create table item (id int primary key)");
    Thread caller = Thread.currentThread();
    Destination between =
        new Looked() {
          @Override
          public void check(CheckContext sync, CheckSteps steps) {
            steps.step("endpoint", findings -> findings.found("answers"));
            caller.interrupt();
            awaitInterrupt();
          }
        };
    Sync sync = sync("select id from item", "id").to(between).build();
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      CheckReport report = engine.check(sync);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(report.passed()).as(report.text()).isFalse();
      assertThat(verdicts(report))
          .endsWith("destination endpoint PASSED", "remaining steps FAILED");
      assertThat(step(report, "remaining steps").found())
          .containsExactly("the check was interrupted");
    }
  }

  private static void awaitInterrupt() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aDestinationWhoseClassesAreMissingHasNotPassed() throws Exception {
    database.execute("create table item (id int primary key)");
    Destination incomplete =
        new Looked() {
          @Override
          public void check(CheckContext sync, CheckSteps steps) {
            throw new NoClassDefFoundError("com/fasterxml/jackson/core/JsonFactory");
          }
        };
    CheckReport report =
        check(source(), sync("select id from item", "id").to(incomplete).build(), state);
    assertThat(verdicts(report)).endsWith("first rows PASSED", "remaining steps FAILED");
    assertThatThrownBy(report::throwIfFailed)
        .isInstanceOf(CheckFailedException.class)
        .hasMessageContaining(
            "(remaining steps: its thread ended by java.lang.NoClassDefFoundError)");
  }

  private static final String CATALOG =
      """
      select md5(concat(
        (select string_agg(c::text, '' order by c.oid) from pg_class c where c.oid >= 16384),
        (select string_agg(p::text, '' order by p.oid) from pg_proc p where p.oid >= 16384),
        (select string_agg(t::text, '' order by t.oid) from pg_type t where t.oid >= 16384),
        (select string_agg(n::text, '' order by n.oid) from pg_namespace n),
        (select string_agg(r::text, '' order by r.oid) from pg_roles r),
        (select string_agg(s::text, '') from pg_db_role_setting s),
        (select string_agg(d.datname || d.datacl::text, '' order by d.oid) from pg_database d)))
      """;

  private static final String XIDS = "select pg_snapshot_xmax(pg_current_snapshot())::text";

  private static final String LEFT =
      """
      select count(*) from pg_locks where pid <> pg_backend_pid()
        and database = (select oid from pg_database where datname = current_database())
      """;

  @Test
  @DisplayName("K-03: a check leaves nothing behind, and takes no transaction number")
  void aCheckLeavesNothingBehind() throws SQLException {
    database.execute(
        "create table item (id int primary key, name text)",
        "insert into item values (1, 'a'), (2, 'b')",
        "create view items as select * from item");
    String catalog = query(CATALOG);
    String xids = query(XIDS);
    Path missing = state.resolve("not").resolve("there");
    check(source(), sync("select id, name from items", "id").build(), missing).throwIfFailed();
    assertThat(query(XIDS)).isEqualTo(xids);
    assertThat(query(CATALOG)).isEqualTo(catalog);
    assertThat(missing).doesNotExist();
    awaitQuery(LEFT, "0");
    assertThat(destination.changes()).isEmpty();
  }

  @Test
  @DisplayName("K-03: a check works where nothing can be written")
  void aCheckWorksWhereNothingCanBeWritten() throws SQLException {
    database.execute(
        "create table item (id int primary key)",
        "create role \"read only\" login",
        "grant select on item to \"read only\"",
        "alter role \"read only\" set default_transaction_read_only = on",
        "alter role \"read only\" set temp_file_limit = 0");
    try {
      Source source = sourceBuilder().user("read only").build();
      check(source, sync("select id from item", "id").build(), state).throwIfFailed();
    } finally {
      database.execute("drop owned by \"read only\"", "drop role \"read only\"");
    }
  }

  @Test
  @DisplayName("K-03: a check works on a hot standby, and says that it is one")
  void aCheckWorksOnAStandby() throws SQLException {
    try (TestPostgres primary = TestPostgres.start()) {
      database = primary.createDatabase();
      database.execute("create table item (id int primary key)");
      checkOnStandby();
    }
    createDatabase();
  }

  private void checkOnStandby() throws SQLException {
    try (HotStandby standby = HotStandby.of(database).start()) {
      standby.awaitReplay();
      Source source = sourceBuilder().port(standby.database().port()).build();
      CheckReport report =
          check(source, sync("select id from item", "id").build(), state).throwIfFailed();
      assertThat(step(report, "network").found().get(0)).endsWith(", a hot standby");
    }
  }

  @Test
  @DisplayName(
      "K-04: a check does not interfere with a run of the same sync, through one connection")
  void aCheckAndARunDoNotInterfere() throws Exception {
    database.execute("create table item (id int primary key)", "insert into item values (1), (2)");
    CountDownLatch writing = new CountDownLatch(1);
    CountDownLatch checked = new CountDownLatch(1);
    Destination waiting =
        Destination.of(
            "test:waiting",
            batch -> {
              writing.countDown();
              assertThat(checked.await(60, TimeUnit.SECONDS)).isTrue();
              return Delivery.allAccepted();
            });
    Sync sync = sync("select id from item", "id").to(waiting).build();
    try (SyncEngine engine = StandardEngine.on(sourceBuilder().poolSize(1).build(), state)) {
      FutureTask<SyncReport> run = new FutureTask<>(() -> engine.run(sync));
      Thread thread = new Thread(run);
      thread.start();
      assertThat(writing.await(60, TimeUnit.SECONDS)).isTrue();
      CheckReport report = engine.check(sync).throwIfFailed();
      assertThat(verdicts(report)).contains("state of crm PASSED", "first rows PASSED");
      checked.countDown();
      assertThat(run.get(60, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.SUCCEEDED);
      thread.join();
    }
  }

  @Test
  @DisplayName("K-04: a check through a pooler that pools by transaction says so, and passes")
  void aCheckGoesThroughAPooler() throws Exception {
    database.execute("create table item (id int primary key)");
    try (PgBouncer pooler =
        PgBouncer.before(database).poolMode(PgBouncer.PoolMode.TRANSACTION).start()) {
      Source source = sourceBuilder().port(pooler.port()).build();
      CheckReport report =
          check(source, sync("select id from item", "id").build(), state).throwIfFailed();
      assertThat(step(report, "network").found())
          .contains("a pooler stands between and pools by transaction, which is allowed for");
    }
  }

  @Test
  void theApplicationsOwnPoolIsAskedAndKeepsItsSettings() throws SQLException {
    database.execute("create table item (id int primary key)");
    PGSimpleDataSource pool = new PGSimpleDataSource();
    pool.setUrl(database.jdbcUrl());
    pool.setUser(database.user());
    CheckReport report =
        check(Source.of(pool), sync("select id from item", "id").build(), state).throwIfFailed();
    assertThat(report.source()).isEqualTo("the application's data source");
    assertThat(verdicts(report)).startsWith("network PASSED", "credentials PASSED");
  }

  @Test
  void whatIsOddAboutTheFirstRowsOfAModelIsAWarning() throws SQLException {
    database.execute(
        "create table item (id int, name text)",
        "insert into item values (1, 'a'), (2, 'b'), (3, 'c'), (3, 'd'), (null, 'e')");
    Sync sync = sync("select id, name, clock_timestamp() as read_at from item", "id").build();
    CheckReport report = check(source(), sync, state).throwIfFailed();
    assertThat(step(report, "model").verdict()).isEqualTo(Verdict.WARNING);
    assertThat(step(report, "model").found())
        .anyMatch(fact -> fact.contains("clock_timestamp(), which is VOLATILE"));
    assertThat(step(report, "first rows").found())
        .containsExactly(
            "5 read",
            "the column \"read_at\" is another in each read",
            "2 of them have a NULL in the key, or the key of another row, and would not be sent");
  }

  @Test
  void aMessageHoldsEachFailedStepWithItsRemedyAndNoControlCharacter() {
    CheckReport.Step failed =
        new CheckReport.Step(
            "network",
            Verdict.FAILED,
            Duration.ofMillis(1),
            List.of("nobody\nlistens\u001b"),
            List.of("Look at it"));
    CheckReport report =
        new CheckReport("postgresql://h:1/d", "crm", List.of(failed), Duration.ofMillis(2));
    assertThatThrownBy(report::throwIfFailed)
        .isExactlyInstanceOf(CheckFailedException.class)
        .hasMessage(
            "Cannot rely on crm: 1 of 1 steps of its check failed (network: nobody listens?). Look at"
                + " it. [sync=crm]");
    assertThat(report.text())
        .isEqualTo(
            """
            check of postgresql://h:1/d for crm: 1 of 1 steps failed, 0.00 s
            FAILED   network  0.00 s  nobody listens?
                                      -> Look at it""");
  }

  @Test
  void aTableThatSomebodyHoldsIsSaidWithinTheBound() throws SQLException {
    database.execute("create table item (id int primary key)");
    StandardEngine.Builder builder =
        StandardEngine.builder(source(), state).checkTimeout(Duration.ofSeconds(5));
    try (Connection holder = database.connect();
        Statement lock = holder.createStatement();
        SyncEngine engine = builder.build()) {
      holder.setAutoCommit(false);
      lock.execute("lock table item in access exclusive mode");
      CheckReport report = engine.check(sync("select id from item", "id").build());
      assertThat(step(report, "model").verdict()).isEqualTo(Verdict.FAILED);
      assertThat(step(report, "model").found())
          .singleElement()
          .asString()
          .contains("Something holds a lock on a table of the model");
      assertThat(verdicts(report)).contains("first rows SKIPPED");
      holder.rollback();
    }
  }

  @Test
  void closingTheEngineEndsTheCheck() throws Exception {
    CountDownLatch looking = new CountDownLatch(1);
    Destination hanging =
        new Looked() {
          @Override
          public void check(CheckContext sync, CheckSteps steps) {
            steps.step(
                "endpoint",
                findings -> {
                  looking.countDown();
                  new CountDownLatch(1).await();
                });
          }
        };
    Sync sync = sync("select 1 as id", "id").to(hanging).build();
    SyncEngine engine = StandardEngine.on(source(), state);
    FutureTask<CheckReport> check = new FutureTask<>(() -> engine.check(sync));
    Thread thread = new Thread(check);
    thread.start();
    assertThat(looking.await(60, TimeUnit.SECONDS)).isTrue();
    engine.close();
    CheckReport report = check.get(20, TimeUnit.SECONDS);
    thread.join();
    assertThat(step(report, "destination endpoint").found())
        .containsExactly("the engine was closed");
  }

  @Test
  void anEngineThatIsClosedWhileACheckBeginsEndsTheCheck() throws Exception {
    try (FaultProxy proxy = FaultProxy.before(database.host(), database.port())) {
      proxy.silence();
      Source source =
          sourceBuilder().port(proxy.port()).connectTimeout(Duration.ofMinutes(5)).build();
      AtomicReference<SyncEngine> closing = new AtomicReference<>();
      StandardEngine.Builder builder =
          StandardEngine.builder(source, state)
              .checkTimeout(Duration.ofMinutes(5))
              .threads(
                  task -> {
                    // Once, with the first of its threads.
                    SyncEngine open = closing.getAndSet(null);
                    if (open != null) {
                      open.close();
                    }
                    return new Thread(task);
                  });
      SyncEngine engine = builder.build();
      closing.set(engine);
      FutureTask<CheckReport> check = new FutureTask<>(engine::check);
      Thread thread = new Thread(check);
      thread.start();
      CheckReport report = check.get(20, TimeUnit.SECONDS);
      thread.join();
      assertThat(report.passed()).isFalse();
      assertThat(report.steps()).anyMatch(s -> s.found().contains("the engine was closed"));
    }
  }

  @Test
  void whatStandsInTheWayToAServerIsToldApart() throws Exception {
    assertWay(sourceBuilder().host("no.such.host.invalid").build(), "network", "(DNS)");
    assertWay(sourceBuilder().port(1).build(), "network", "refuses connections");
    assertWay(sourceBuilder().database("nothing").build(), "credentials", "\"nothing\"");
    assertWay(sourceBuilder().user("nobody").build(), "credentials", "\"nobody\"");
    Source encrypted =
        Source.builder()
            .host(database.host())
            .port(database.port())
            .database(database.name())
            .user(database.user())
            .build();
    assertWay(encrypted, "network", "offers no encryption");
    ServerSocket web = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    Thread answers = new Thread(() -> answerAsAWebServer(web));
    answers.start();
    try {
      Source source = sourceBuilder().host("127.0.0.1").port(web.getLocalPort()).build();
      assertWay(source, "network", "like HTTP");
    } finally {
      web.close();
      answers.join();
    }
  }

  private void assertWay(Source source, String failed, String fact) {
    CheckReport report = check(source, null, state);
    assertThat(step(report, failed).verdict()).isEqualTo(Verdict.FAILED);
    assertThat(step(report, failed).found()).last().asString().contains(fact);
    assertThat(step(report, failed).remedies()).isNotEmpty();
  }

  private static void answerAsAWebServer(ServerSocket web) {
    try {
      while (true) {
        try (Socket client = web.accept()) {
          client.getInputStream().read();
          client.getOutputStream().write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(US_ASCII));
        }
      }
    } catch (IOException e) {
      assertThat(web.isClosed()).isTrue();
    }
  }
}
