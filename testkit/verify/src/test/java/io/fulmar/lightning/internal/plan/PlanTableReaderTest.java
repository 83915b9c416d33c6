package io.fulmar.lightning.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Change;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Source;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.store.ChangeIds;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.internal.store.Version;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ImageBuffer;
import io.fulmar.internal.type.KeyImage;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.fold.FoldFixture;
import io.fulmar.lightning.internal.state.Lease;
import io.fulmar.lightning.internal.state.Leases;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestServer;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.verify.fixture.Queries;
import io.fulmar.verify.fixture.SharedServer;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Plans written by hand come back as changes, in their order, each once, whatever lies between two
 * pieces; and a plan that is not whole is noticed.
 */
class PlanTableReaderTest {
  private static final TestServer POSTGRES = SharedServer.get();
  private static final String INCARNATION = "0123456789abcdef";
  private static final Sync SYNC =
      Sync.builder("crm")
          .model(Model.query("customers", "select id, email, plan from customer").key("id"))
          .to(RecordingDestination.of("memory:1"))
          .build();
  private static final Hash NO_HASH = new Hash();

  private final List<Thread> threads = new CopyOnWriteArrayList<>();
  private FoldFixture fixture;

  /** A removal has none. */
  private record Hash() {
    @Override
    public String toString() {
      return "\\N";
    }
  }

  @BeforeEach
  void begin() throws SQLException {
    fixture = new FoldFixture(POSTGRES);
  }

  @AfterEach
  void end() throws Exception {
    waitForThreads();
    fixture.close();
  }

  private void waitForThreads() throws InterruptedException {
    for (Thread thread : threads) {
      thread.join();
    }
  }

  @AfterAll
  static void stop() throws SQLException {
    SharedServer.clean();
  }

  private PlanTableReader reader(Database database, PlanHead.Columns columns, long total)
      throws SQLException {
    Lease lease =
        Leases.take(
            database, FoldFixture.SCHEMAS, FoldFixture.SYNC, "reader", Duration.ofSeconds(20));
    return new PlanTableReader(
        task -> {
          Thread thread = new Thread(task, "fulmar-crm-reader");
          threads.add(thread);
          thread.start();
        },
        lease,
        FoldFixture.TABLES,
        SYNC,
        INCARNATION,
        FoldFixture.head(columns, total, 0),
        10);
  }

  private PlanTableReader reader(long total) throws SQLException {
    return reader(fixture.database, FoldFixture.columns(Remembered.NOTHING, false), total);
  }

  private static String row(Object... values) {
    List<String> texts = new ArrayList<>();
    for (Object value : values) {
      texts.add(value.toString());
    }
    return String.join("\t", texts);
  }

  private static String added(long position, long key, String email) {
    return row(
        position, "ADDED", 0, key, key + 1, "f", "f", 0, 5, 9, "ADDED", "\\N", "\\N", "f", "\\N", 0,
        "f", email, key, "pro");
  }

  private static byte[] image(long key) {
    ImageBuffer image = new ImageBuffer(16);
    KeyImage.append(ColumnKind.INT8, ByteBuffer.allocate(8).putLong(key).array(), 0, 8, image);
    return Arrays.copyOf(image.array(), image.length());
  }

  private static String id(long key, Operation operation, @Nullable Long hash, long run) {
    byte[] image = image(key);
    Version version = hash == null ? null : new Version(0, hash);
    return ChangeIds.text(
        new ChangeIds(INCARNATION).of(image, 0, image.length, operation, version, run));
  }

  private static List<PlannedChange> all(PlanTableReader reader, int rows) {
    List<PlannedChange> all = new ArrayList<>();
    List<PlannedChange> next = reader.next(rows, Long.MAX_VALUE);
    while (!next.isEmpty()) {
      all.addAll(next);
      next = reader.next(rows, Long.MAX_VALUE);
    }
    return all;
  }

  @Test
  @DisplayName("P2: a change has its operation, row, attempt and the id of the run that planned it")
  void changesComeBackAsTheyWerePlanned() throws SQLException {
    String moved = "11223344-5566-7788-99aa-bbccddeeff00";
    fixture.plan(
        ", p0 text, p_valued bool",
        List.of(
            row(
                0, "REMOVED", 0, 1, NO_HASH, "f", "t", 3, 5, 7, "REMOVED", "\\N", "\\N", "f", "\\N",
                0, "t", "\\N", "\\N", "\\N", "old@1", "t"),
            row(
                1, "REMOVED", 0, 2, NO_HASH, "f", "f", 0, 5, 9, "REMOVED", "\\N", "\\N", "f", "\\N",
                0, "t", "\\N", "\\N", "\\N", "\\N", "f"),
            row(
                2, "ADDED", 0, 3, 33, "f", "f", 0, 5, 9, "ADDED", "\\N", "\\N", "f", "\\N", 0, "f",
                "new@3", 3, "\\N", "\\N", "\\N"),
            row(
                3, "CHANGED", 4, 4, -44, "f", "t", 2, 5, 7, "ADDED", "\\N", "OPEN", "t", 44, 77,
                "t", "new@4", 4, "pro", "\\N", "t"),
            row(
                4, "CHANGED", 0, 5, 55, "t", "f", 0, 5, 9, "CHANGED", moved, "\\N", "f", "\\N", 0,
                "t", "\\N", 5, "\\N", "old@5", "t"),
            row(
                "\\N", "\\N", 1, 6, "\\N", "f", "f", "\\N", "\\N", "\\N", "\\N", "\\N", "\\N", "f",
                "\\N", 0, "t", "\\N", "\\N", "\\N", "\\N", "\\N")));
    PlanTableReader reader =
        reader(fixture.database, FoldFixture.columns(FoldFixture.EMAIL, true), 5);
    List<PlannedChange> all = all(reader, 2);
    assertThat(all).extracting(PlannedChange::position).containsExactly(0L, 1L, 2L, 3L, 4L);
    assertThat(all)
        .extracting(each -> text(each.change()))
        .containsExactly(
            "REMOVED id=1 email=old@1 null",
            "REMOVED id=2 null",
            "ADDED id=3 email=new@3 plan=null null",
            "CHANGED id=4 email=new@4 plan=pro email=null",
            "CHANGED id=5 email=null plan=null null");
    assertThat(all)
        .extracting(each -> each.change().changeId())
        .containsExactly(
            id(1, Operation.REMOVED, null, 7),
            id(2, Operation.REMOVED, null, 9),
            id(3, Operation.ADDED, 33L, 9),
            id(4, Operation.ADDED, -44L, 7),
            "112233445566778899aabbccddeeff00");
    assertThat(all).extracting(each -> each.change().attempt()).containsExactly(4, 1, 1, 3, 1);
    assertThat(all).extracting(each -> each.change().sequence()).containsOnly(10L);
    assertThat(all).extracting(PlannedChange::until).containsExactly(0L, 0L, 0L, 77L, 0L);
    assertThat(all.get(4).undeliverable()).isNotNull();
    assertThat(all.get(3).undeliverable()).isNull();
  }

  @Test
  @DisplayName("P2: a change of a first plan is what it would be in any other plan")
  void changesOfFirstPlansAreAdditions() throws SQLException {
    fixture.firstPlan(
        List.of(row(0, 3, 33, "f", "new@3", 3, "\\N"), row(1, 5, 55, "t", "\\N", 5, "pro")));
    List<PlannedChange> first = all(reader(fixture.database, FoldFixture.firstColumns(), 2), 1);
    fixture.plan(
        "",
        List.of(
            row(
                0, "ADDED", 0, 3, 33, "f", "f", 0, 5, 9, "ADDED", "\\N", "\\N", "f", "\\N", 0, "f",
                "new@3", 3, "\\N"),
            row(
                1, "ADDED", 0, 5, 55, "t", "f", 0, 5, 9, "ADDED", "\\N", "\\N", "f", "\\N", 0, "f",
                "\\N", 5, "pro")));
    List<PlannedChange> other = all(reader(2), 1);

    assertThat(first).extracting(PlannedChange::position).containsExactly(0L, 1L);
    assertThat(first)
        .extracting(each -> text(each.change()))
        .containsExactly(
            "ADDED id=3 email=new@3 plan=null null", "ADDED id=5 email=null plan=pro null");
    assertThat(first)
        .extracting(each -> each.change().changeId())
        .containsExactly(id(3, Operation.ADDED, 33L, 9), id(5, Operation.ADDED, 55L, 9))
        .containsExactlyElementsOf(other.stream().map(each -> each.change().changeId()).toList());
    assertThat(first).extracting(each -> each.change().attempt()).containsOnly(1);
    assertThat(first).extracting(each -> each.change().sequence()).containsOnly(10L);
    assertThat(first).extracting(PlannedChange::until).containsOnly(0L);
    assertThat(first.get(0).undeliverable()).isNull();
    assertThat(first.get(1).undeliverable()).isNotNull();
  }

  private static String text(Change change) {
    StringBuilder text = new StringBuilder(change.operation().name());
    for (String column : change.row().columns()) {
      text.append(' ').append(column).append('=').append(change.row().text(column));
    }
    assertThat(change.key().columns()).containsExactly("id");
    return text
        + " "
        + (change.previous() == null ? null : "email=" + change.previous().text("email"));
  }

  private List<String> rows(int count) {
    return LongStream.range(0, count).mapToObj(i -> added(i, i * 7, "mail of " + i)).toList();
  }

  @Test
  void lanesShareAReaderAndEachGetsAnother() throws Exception {
    int count = 40_000;
    fixture.plan("", rows(count));
    PlanTableReader reader = reader(count);
    ExecutorService lanes = Executors.newFixedThreadPool(4);
    List<Long> positions = new ArrayList<>();
    try {
      List<Future<List<PlannedChange>>> parts = new ArrayList<>();
      for (int lane = 0; lane < 4; lane++) {
        parts.add(lanes.submit(() -> all(reader, 300)));
      }
      for (Future<List<PlannedChange>> part : parts) {
        List<Long> own = part.get().stream().map(PlannedChange::position).toList();
        assertThat(own).isSorted();
        positions.addAll(own);
      }
    } finally {
      lanes.shutdown();
    }
    positions.sort(null);
    assertThat(positions).isEqualTo(LongStream.range(0, count).boxed().toList());
  }

  @Test
  @DisplayName("P6: between two pieces no transaction is open")
  void nothingIsOpenBetweenTwoPieces() throws Exception {
    fixture.plan("", rows(60_000));
    PlanTableReader reader = reader(60_000);
    for (int i = 0; i < 3; i++) {
      assertThat(reader.next(15_000, Long.MAX_VALUE)).isNotEmpty();
      waitForThreads();
      assertThat(
              fixture.lines(
                  "select state from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' and xact_start is not null"))
          .isEmpty();
    }
  }

  @Test
  void readerThatIsClosedEndsItsThread() throws Exception {
    fixture.plan("", rows(40_000));
    PlanTableReader reader = reader(40_000);
    assertThat(reader.next(1, Long.MAX_VALUE)).hasSize(1);
    assertThat(threads).hasSize(1);
    reader.close();
    threads.get(0).join();
    Queries.await(
        fixture.place,
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' and xact_start is not null",
        "0");
    reader.close();
  }

  @Test
  @DisplayName("P6: a piece is read by the range of its places, without what lies before it")
  void pieceIsReadByTheRangeOfItsPlaces() throws SQLException {
    fixture.plan("", rows(20_000));
    String read =
        PlanReadSql.READ
            .with("plan", FoldFixture.TABLES.plan(0))
            .with("columns", Identifier.of("p", "position"))
            .with("from", ColumnExpression.place(100, 1))
            .with("rows", ColumnExpression.number(1_000))
            .sql();
    String query = read.substring(read.indexOf('(') + 1, read.lastIndexOf(") to stdout"));
    try (Transaction transaction = fixture.begin()) {
      transaction.execute(PlanReadSql.BY_PLACE.sql());
      assertThat(transaction.list("explain " + query, row -> row.getString(1)))
          .anyMatch(line -> line.contains("Tid Range Scan on s1_plan_0"));
    }
  }

  @Test
  void planThatEndsEarlyIsNoticed() throws SQLException {
    fixture.plan("", rows(100));
    PlanTableReader reader = reader(101);
    assertThatThrownBy(() -> all(reader, 30))
        .isInstanceOf(StateException.class)
        .hasMessage(
            "Cannot go on delivering crm: the plan has 100 changes instead of 101. Run again. [sync=crm run=9]");
  }

  @Test
  void planWithAGapIsNoticed() throws SQLException {
    fixture.plan("", rows(100));
    fixture.place.execute("delete from fulmar_planner.s1_plan_0 where position = 57");
    PlanTableReader reader = reader(100);
    List<PlannedChange> given = new ArrayList<>();
    assertThatThrownBy(
            () -> {
              while (true) {
                given.addAll(reader.next(10, Long.MAX_VALUE));
              }
            })
        .isInstanceOf(StateException.class)
        .hasMessageContaining("the plan has 57 changes instead of 100");
    assertThat(given).hasSizeLessThanOrEqualTo(57);
  }

  @Test
  @DisplayName("P5, D-05: rows of a mebibyte each are read a few at a time")
  void largeRowsAreReadAFewAtATime() throws SQLException {
    List<String> rows = new ArrayList<>(rows(200));
    fixture.plan("", rows);
    // Values that do not compress, behind many small rows from which the size of a row is guessed.
    fixture.place.execute(
        """
        insert into fulmar_planner.s1_plan_0
        select 200 + g, 'ADDED', 0, 100000 + g, g, false, false, 0, 5, 9, 'ADDED', null, null, false,
               null, 0, false,
               (select string_agg(md5((g * 100000 + i)::text), '') from generate_series(1, 32768) i),
               g, 'pro'
        from generate_series(0, 23) g""");
    PlanTableReader reader = reader(224);
    List<PlannedChange> all = new ArrayList<>();
    while (all.size() < 224) {
      List<PlannedChange> next = reader.next(1, Long.MAX_VALUE);
      assertThat(next).as("after %s", all.size()).hasSize(1);
      all.addAll(next);
      assertThat(reader.bytesAhead()).isLessThan(18L << 20);
    }
    assertThat(reader.next(1, Long.MAX_VALUE)).isEmpty();
    assertThat(all.stream().map(PlannedChange::position).toList())
        .isEqualTo(LongStream.range(0, 224).boxed().toList());
    assertThat(all.get(223).bytes()).isGreaterThan(1 << 20);
    assertThat(all.get(223).change().row().text("email")).hasSize(1 << 20);
  }

  @Test
  void bytesEndARangeToo() throws SQLException {
    fixture.plan("", rows(10));
    PlanTableReader reader = reader(10);
    int one = reader.next(1, 1).get(0).bytes();
    assertThat(reader.next(10, 3L * one + 2)).hasSize(3);
    assertThat(reader.next(10, 1)).hasSize(1);
  }

  @Test
  @DisplayName(
      "B-01, A-01: a connection that breaks within a piece costs no change and repeats none")
  void brokenConnectionCostsNothing() throws Exception {
    int count = 3_000;
    fixture.plan("", rows(count));
    try (FaultProxy proxy = FaultProxy.before(fixture.place.host(), fixture.place.port());
        Database database =
            new Database(
                Source.of(
                    new TestDatabase(
                            "localhost",
                            proxy.port(),
                            fixture.place.name(),
                            fixture.place.user(),
                            fixture.place.password())
                        .dataSource()),
                "fulmar",
                Duration.ofMinutes(1))) {
      PlanTableReader reader =
          reader(database, FoldFixture.columns(Remembered.NOTHING, false), count);
      proxy.resetAfterBytes("fulmar: read plan", 20_000, 2);
      assertThat(all(reader, 500).stream().map(PlannedChange::position).toList())
          .isEqualTo(LongStream.range(0, count).boxed().toList());
      assertThat(proxy.happened()).isEqualTo(2);
    }
  }
}
