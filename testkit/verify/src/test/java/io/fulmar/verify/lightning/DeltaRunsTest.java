package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.Verdict;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The delta scan within runs of the engine: what the report says of the way, what reaches the
 * destination, and that an engine that compares all rows each time would have sent the same. The
 * table {@code item} has forty rows.
 */
@DisplayName("P1, P12: runs that look only at what was written")
class DeltaRunsTest {
  private static final Model ITEM = Model.table("items", "public", "item").key("id");
  private static final ChangeSet.Way.Kind DELTA = ChangeSet.Way.Kind.DELTA;
  private static final ChangeSet.Way.Kind FULL = ChangeSet.Way.Kind.FULL;
  private static final ChangeSet.Way.Kind SUM = ChangeSet.Way.Kind.SUM;

  private static final String WAITING_FOR_HOLDS =
      "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%fulmar: delta held%'";

  private static TestPostgres postgres;

  private final RecordingDestination crm = RecordingDestination.of("crm:contacts");
  private TestDatabase database;
  private LightningEngine engine;

  @BeforeAll
  static void start() {
    postgres = SharedServer.own();
  }

  @AfterAll
  static void stop() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void fill() throws SQLException {
    database = postgres.createDatabase();
    database.execute(
        "create schema fulmar_planner",
        "create schema fulmar_audit",
        "create table item (id int primary key, v text)",
        "insert into item select i, 'v' || i from generate_series(1, 40) i");
    engine = LightningEngine.on(source(database.user()));
  }

  @AfterEach
  void close() throws SQLException {
    engine.close();
    assertThat(crm.violations()).isEmpty();
    database.drop();
  }

  private Source source(String user) {
    return source(database, user);
  }

  private static Source source(TestDatabase of, String user) {
    return Source.builder()
        .host(of.host())
        .port(of.port())
        .database(of.name())
        .user(user)
        .withoutTls()
        .build();
  }

  private Sync.Builder sync() {
    return Sync.builder("crm").model(ITEM).to(crm).onRemoved(Removal.DELETE);
  }

  private SyncReport run(ChangeSet.Way.Kind kind) {
    return run(kind, RunOptions.defaults());
  }

  private SyncReport run(ChangeSet.Way.Kind kind, RunOptions options) {
    SyncReport report = engine.run(sync().build(), options).throwIfFailed();
    ChangeSet.Way way = report.way().orElseThrow();
    // What compares all rows may find by their sum that there is nothing to compare.
    boolean sum = kind == FULL && report.total().planned() == 0 && way.kind() == SUM;
    assertThat(sum ? FULL : way.kind()).as(way.toString()).isEqualTo(kind);
    return report;
  }

  private static String reason(SyncReport report) {
    return report.way().orElseThrow().reason();
  }

  @Test
  void changesAreFoundWithoutComparingAllRows() throws SQLException {
    assertThat(reason(run(FULL))).startsWith("there is no base");
    database.execute(
        "update item set v = 'other' where id = 3",
        "update item set v = v where id = 4",
        "delete from item where id = 5",
        "insert into item values (41, 'new')");
    SyncReport report = run(DELTA);
    assertThat(reason(report))
        .isEqualTo("since the base 3 rows were written and 1 removed; 0 keys are held");
    assertThat(report.changeSet().rows()).isEqualTo(40);
    assertThat(crm.changes(report.run()))
        .extracting(Change::operation)
        .containsExactlyInAnyOrder(Operation.REMOVED, Operation.CHANGED, Operation.ADDED);
    assertThat(crm.contents()).hasSize(40);
    report = run(DELTA);
    assertThat(reason(report)).isEqualTo("no row was written or removed since the base");
    assertThat(report.changeSet().rows()).isEqualTo(40);
    assertThat(report.changeSet().syncedKeys()).isEqualTo(40);
  }

  @Test
  @DisplayName("P1: a row that comes for each that goes is told from a row that changes")
  void rowsInPlaceOfOthersAreAddedAndRemoved() throws SQLException {
    run(FULL);
    database.execute(
        "update item set v = 'other' where id = 3",
        "delete from item where id in (5, 6)",
        "insert into item values (41, 'new'), (42, 'new')");
    SyncReport report = run(DELTA);
    assertThat(reason(report))
        .isEqualTo("since the base 3 rows were written and 2 removed; 0 keys are held");
    assertThat(crm.changes(report.run()))
        .extracting(Change::operation)
        .containsExactly(
            Operation.REMOVED,
            Operation.REMOVED,
            Operation.CHANGED,
            Operation.ADDED,
            Operation.ADDED);
    assertThat(crm.contents()).hasSize(40);
    assertThat(reason(run(DELTA))).isEqualTo("no row was written or removed since the base");
    assertThat(number("select count(*) from pg_class where relname like 's1_plan%'")).isZero();
  }

  @Test
  @DisplayName("P5: where most rows were written, their places are not gathered")
  void tableThatWasWrittenAnewIsComparedWhole() throws SQLException {
    database.execute("insert into item select i, 'v' from generate_series(41, 120000) i");
    AtomicLong sent = new AtomicLong();
    Sync sync =
        sync()
            .to(
                Destination.of(
                    "counts",
                    batch -> {
                      sent.addAndGet(batch.size());
                      return Delivery.allAccepted();
                    }))
            .build();
    engine.run(sync).throwIfFailed();
    database.execute("update item set v = 'other'");
    assertThat(reason(engine.run(sync).throwIfFailed()))
        .isEqualTo("more than a tenth of the rows were written since the base, or are held");
    assertThat(sent).hasValue(240_000);
  }

  @Test
  @DisplayName("a run over a table that nobody wrote to makes no table and writes less than 1 MB")
  void unchangedRunWritesLittle() throws SQLException {
    run(FULL);
    run(DELTA);
    long tables = number("select count(*) from pg_class");
    long before = number("select pg_current_wal_insert_lsn() - '0/0'");
    run(DELTA);
    assertThat(number("select pg_current_wal_insert_lsn() - '0/0'") - before)
        .isBetween(1L, 1_000_000L);
    assertThat(number("select count(*) from pg_class")).isEqualTo(tables);
  }

  private long number(String sql) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    }
  }

  @Test
  void heldKeysAreLookedAtWhateverTheirRowsDo() throws SQLException {
    crm.verdicts(
        change ->
            List.of(1, 2, 3).contains(change.key().value("id"))
                ? new Verdict.Rejected("BAD", "not this one", Verdict.Retry.NEXT_RUN)
                : new Verdict.Accepted());
    assertThat(run(FULL).status()).isEqualTo(RunStatus.WARNING);
    database.execute("delete from item where id = 1", "update item set v = 'x' where id = 2");
    SyncReport report = run(DELTA);
    // 1 was never accepted, so nothing is to be removed.
    assertThat(report.total().failed()).isEqualTo(2);
    crm.verdicts(change -> new Verdict.Accepted());
    report = run(DELTA);
    assertThat(crm.changes(report.run()))
        .extracting(change -> change.key().value("id"))
        .containsExactlyInAnyOrder(2, 3);
    assertThat(reason(run(DELTA))).isEqualTo("no row was written or removed since the base");
  }

  @Test
  void runThatDeliversAPartLeavesTheBaseWhereItWas() throws SQLException {
    run(FULL);
    database.execute("update item set v = 'x' where id <= 10");
    run(DELTA, RunOptions.builder().limit(4).build());
    SyncReport report = run(DELTA);
    assertThat(report.total().accepted()).isEqualTo(6);
    assertThat(reason(report)).startsWith("since the base 10 rows were written");
    database.execute("update item set v = 'y' where id <= 2");
    report = run(FULL, RunOptions.builder().key(1).build());
    assertThat(reason(report)).isEqualTo("only some keys are asked for");
    report = run(DELTA);
    assertThat(crm.changes(report.run()))
        .extracting(change -> change.key().value("id"))
        .containsExactly(2);
  }

  @Test
  @DisplayName("P8: a key of more than 2,000 bytes is reported by the run that first sees it")
  void keyThatIsTooLargeIsReportedAtOnce() throws SQLException {
    database.execute("alter table item alter id type text");
    run(FULL);
    database.execute("insert into item values (repeat('9', 2001), 'v')");
    SyncReport report = run(FULL);
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(report.changeSet().invalid()).isEqualTo(1);
    assertThat(reason(report))
        .isEqualTo("a row that was written since the base has too large a key");
  }

  @Test
  @DisplayName(
      "P12: rows that a lower limit makes too large are found, though nobody wrote to them")
  void anotherLimitForRowsComparesAllRows() throws SQLException {
    database.execute("update item set v = repeat('v', 5000) where id = 1");
    run(FULL);
    run(DELTA);
    Sync lower = sync().maxRowBytes(4_096).build();
    SyncReport report = engine.run(lower).throwIfFailed();
    assertThat(reason(report))
        .isEqualTo(
            "rows are compared in another way: mapping, columns or types changed, or all are due again since the base");
    assertThat(report.total().failed()).isEqualTo(1);
    assertThat(report.way().orElseThrow().kind()).isEqualTo(FULL);
    report = engine.run(lower).throwIfFailed();
    assertThat(report.way().orElseThrow().kind()).isEqualTo(DELTA);
    assertThat(report.total().failed()).isEqualTo(1);
  }

  @Test
  @DisplayName("G-05, G-08: a name may have more than 63 bytes in UTF-8 where the server has fewer")
  void longNamesOfOtherEncodingsAreRead() throws SQLException {
    String name = database.name() + "_latin1";
    database.execute(
        "create database %s encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'"
            .formatted(name));
    TestDatabase latin1 = new TestDatabase(database.host(), database.port(), name, database.user());
    String key = "\u00e9".repeat(60);
    String value = "\u00ea".repeat(60);
    latin1.execute(
        "create schema fulmar_planner",
        "create schema fulmar_audit",
        "create table item (\"%s\" int primary key, \"%s\" text)".formatted(key, value),
        "insert into item values (1, 'a'), (2, 'b')");
    Sync sync =
        Sync.builder("crm")
            .model(Model.table("items", "public", "item").key(key))
            .to(crm)
            .onRemoved(Removal.DELETE)
            .remember(value)
            .build();
    try (LightningEngine there = LightningEngine.on(source(latin1, database.user()))) {
      there.run(sync).throwIfFailed();
      latin1.execute(
          "delete from item where \"%s\" = 1".formatted(key), "insert into item values (3, 'c')");
      SyncReport report = there.run(sync).throwIfFailed();
      assertThat(report.way().orElseThrow().kind()).isEqualTo(DELTA);
      assertThat(report.total().accepted()).isEqualTo(2);
    } finally {
      latin1.drop();
    }
  }

  @Test
  void resyncAndResetAreFollowedByAFullDiff() throws SQLException {
    run(FULL);
    assertThat(reason(engine.resync(sync().build()))).isEqualTo("every row is sent again");
    assertThat(reason(run(FULL))).startsWith("there is no base");
    run(DELTA);
    assertThat(engine.reset(sync().build()).way().reason())
        .isEqualTo("every row is taken as delivered");
    run(FULL);
    run(DELTA);
  }

  @Test
  void ignoredRemovalsAndReturnsAreSeen() throws SQLException {
    Sync sync = sync().onRemoved(Removal.IGNORE).build();
    engine.run(sync).throwIfFailed();
    database.execute("delete from item where id in (7, 8)");
    SyncReport report = engine.run(sync).throwIfFailed();
    assertThat(report.changeSet().ignored()).isEqualTo(2);
    assertThat(report.way().orElseThrow().kind()).isEqualTo(DELTA);
    assertThat(reason(engine.run(sync).throwIfFailed()))
        .isEqualTo("no row was written or removed since the base");
    database.execute("insert into item values (7, 'v7'), (8, 'back')");
    report = engine.run(sync).throwIfFailed();
    assertThat(report.way().orElseThrow().kind()).isEqualTo(DELTA);
    assertThat(report.counts(Operation.CHANGED).accepted()).isEqualTo(1);
    assertThat(engine.run(sync).throwIfFailed().changeSet().syncedKeys()).isEqualTo(40);
  }

  @Test
  @DisplayName("P10: a role whose grant shrinks to columns goes on with full diffs")
  void grantThatShrinksToColumnsLeadsToFullDiffs() throws SQLException {
    String reader = "reader_" + database.name();
    database.execute(
        "create role %s login".formatted(reader),
        "grant select on item to " + reader,
        "grant usage, create on schema fulmar_planner, fulmar_audit to " + reader);
    engine.close();
    engine = LightningEngine.on(source(reader));
    run(FULL);
    run(DELTA);
    database.execute(
        "revoke select on item from " + reader, "grant select (id, v) on item to " + reader);
    assertThat(reason(run(FULL))).isEqualTo("the role may not select all columns of the table");
    engine.close();
    database.execute("drop owned by " + reader, "drop role " + reader);
  }

  @Test
  @DisplayName(
      "E: a partition that is attached while a delta scan is made leads to another read, a full diff")
  void partitionThatIsAttachedDuringTheScanIsNotMissed() throws Exception {
    database.execute(
        "drop table item",
        "create table item (id int primary key, v text) partition by range (id)",
        "create table item_1 partition of item for values from (1) to (100)",
        "insert into item select i, 'v' || i from generate_series(1, 40) i",
        "create table item_2 (like item including all)",
        "insert into item_2 values (101, 'long before')");
    run(FULL);
    run(DELTA);
    database.execute("update item set v = 'written' where id = 7", "delete from item where id = 8");
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (Connection holder = database.connect();
        Statement holding = holder.createStatement()) {
      holder.setAutoCommit(false);
      holding.execute("lock table fulmar_planner.s1_holds in access exclusive mode");
      Future<SyncReport> run = thread.submit(() -> engine.run(sync().build()).throwIfFailed());
      awaitPlanThatWaits();
      database.execute("alter table item attach partition item_2 for values from (100) to (200)");
      holder.commit();
      SyncReport report = run.get();
      assertThat(reason(report)).isEqualTo("a partition was attached or detached since the base");
      assertThat(crm.changes(report.run()))
          .extracting(change -> change.operation() + " " + change.key().value("id"))
          .containsExactlyInAnyOrder("CHANGED 7", "REMOVED 8", "ADDED 101");
    } finally {
      thread.shutdownNow();
    }
    run(DELTA);
  }

  /** Until the plan waits for the holds, which it does after its snapshot; the server waits. */
  private void awaitPlanThatWaits() throws SQLException {
    for (int i = 0; i < 500 && number(WAITING_FOR_HOLDS) == 0; i++) {
      database.execute("select pg_sleep(0.02)");
    }
    assertThat(number(WAITING_FOR_HOLDS)).isEqualTo(1);
  }

  @Test
  void bothWaysPlanAndDeliverTheSame() throws SQLException {
    long seed = Long.getLong("fulmar.seed", 1L);
    for (int i = 0; i < (Long.getLong("fulmar.seed") == null ? 3 : 1); i++) {
      sideBySide(seed + i);
    }
  }

  @Test
  @Tag("soak")
  void bothWaysPlanAndDeliverTheSameInManyHistories() throws SQLException {
    long first = Math.floorMod(System.nanoTime(), 1_000_000L) * 1_000L;
    System.out.println("side by side from " + first);
    for (int i = 0; i < Integer.getInteger("fulmar.histories", 100); i++) {
      sideBySide(first + i);
    }
  }

  /** Two syncs over one table, of which one compares all rows each time; the same is sent. */
  private void sideBySide(long seed) throws SQLException {
    Random random = new Random(seed);
    RecordingDestination one = RecordingDestination.of("one");
    RecordingDestination two = RecordingDestination.of("two");
    Removal removal = random.nextBoolean() ? Removal.DELETE : Removal.IGNORE;
    int deltas = 0;
    try (LightningEngine full =
        LightningEngine.builder(source(database.user())).fullDiffEvery(Duration.ZERO).build()) {
      for (int step = 0; step < 12; step++) {
        for (int i = random.nextInt(4); i > 0; i--) {
          write(random);
        }
        int bad = random.nextInt(5);
        int answers = random.nextInt(3);
        for (RecordingDestination each : List.of(one, two)) {
          each.verdicts(change -> verdict(change, bad, answers));
        }
        SyncReport delta = engine.run(side("one_" + seed, one, removal));
        SyncReport whole = full.run(side("two_" + seed, two, removal));
        String about = "seed " + seed + " step " + step + ": " + delta.way();
        deltas += delta.way().orElseThrow().kind() == DELTA ? 1 : 0;
        assertThat(whole.way().orElseThrow().kind()).isIn(FULL, SUM);
        assertThat(delta.changeSet().planned()).as(about).isEqualTo(whole.changeSet().planned());
        assertThat(delta.changeSet().held()).as(about).isEqualTo(whole.changeSet().held());
        assertThat(delta.changeSet().ignored()).as(about).isEqualTo(whole.changeSet().ignored());
        assertThat(delta.changeSet().rows()).as(about).isEqualTo(whole.changeSet().rows());
        assertThat(delta.counts()).as(about).isEqualTo(whole.counts());
        assertThat(sent(one, delta))
            .as(about)
            .containsExactlyInAnyOrderElementsOf(sent(two, whole));
      }
    }
    assertThat(deltas).as("seed " + seed).isGreaterThan(5);
    assertThat(one.violations()).isEmpty();
    assertThat(two.violations()).isEmpty();
  }

  private static Sync side(String name, RecordingDestination destination, Removal removal) {
    return Sync.builder(name).model(ITEM).to(destination).onRemoved(removal).build();
  }

  private void write(Random random) throws SQLException {
    int id = 1 + random.nextInt(12);
    switch (random.nextInt(6)) {
      case 0, 1 -> database.execute("delete from item where id = " + id);
      case 2 -> database.execute("vacuum full item");
      case 3 ->
          database.execute(
              "begin; truncate item; insert into item select i, 'v' || i from generate_series(1, %s) i; commit"
                  .formatted(30 + random.nextInt(12)));
      default ->
          database.execute(
              "insert into item values (%s, 'x%s') on conflict (id) do update set v = excluded.v"
                  .formatted(id, random.nextInt(3)));
    }
  }

  private static Verdict verdict(Change change, int bad, int answers) {
    int id = (int) change.key().value("id");
    if (id % 5 != bad || answers == 0) {
      return new Verdict.Accepted();
    }
    return answers == 1
        ? new Verdict.Rejected("BAD", "not this one", Verdict.Retry.NEXT_RUN)
        : new Verdict.Skipped();
  }

  private static List<String> sent(RecordingDestination destination, SyncReport report) {
    return destination.changes(report.run()).stream()
        .map(
            change ->
                change.operation() + " " + change.key().value("id") + " " + change.row().asMap())
        .toList();
  }
}
