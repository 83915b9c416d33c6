package io.fulmar.lightning.internal.fold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Source;
import io.fulmar.StateException;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Outcome;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.state.CrashPoint;
import io.fulmar.lightning.internal.state.Lease;
import io.fulmar.lightning.internal.state.Leases;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.internal.network.ProtocolProxy;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What lanes note is what a fold finds, however it came together, whatever the network does, and
 * not at all once the lease is somebody else's. The server is this class's alone, so that it can
 * count its transactions.
 */
class LedgerTest {
  private static final TestPostgres POSTGRES = SharedServer.own();
  private static final long UNTIL = 1_900_000_000_000L;
  private static final long LATEST = Long.MAX_VALUE;

  private FoldFixture fixture;
  private Lease lease;

  @BeforeEach
  void begin() throws SQLException {
    fixture = new FoldFixture(POSTGRES);
    lease = lease(fixture.database, "first");
  }

  @AfterEach
  void end() throws SQLException {
    fixture.close();
  }

  @AfterAll
  static void stop() throws SQLException {
    SharedServer.clean();
  }

  private static Lease lease(Database database, String owner) throws SQLException {
    return Leases.take(
        database, FoldFixture.SCHEMAS, FoldFixture.SYNC, owner, Duration.ofSeconds(20));
  }

  private static Ledger ledger(Lease lease) {
    return new Ledger(lease, FoldFixture.TABLES, 9, CrashPoint.Watch.NONE);
  }

  /** Each position that is known, with what became of it. */
  private Map<Long, String> outcomes() throws SQLException {
    OutcomeParts parts = OutcomeParts.ofLedger(FoldFixture.TABLES, LATEST);
    Map<Long, String> found = new HashMap<>();
    List<String> lines = new ArrayList<>();
    try (Transaction transaction = fixture.begin()) {
      lines.addAll(
          transaction.list(
              "select p.position || ' ACCEPTED' from generate_series(0, 100000::int8) as p (position) where "
                  + parts.accepted().sql(),
              row -> row.getString(1)));
      lines.addAll(
          transaction.list(
              "select concat_ws(' ', e.position, e.kind, e.unsure, e.until, e.code, e.message) from "
                  + parts.exceptions().sql()
                  + " as e",
              row -> row.getString(1)));
      lines.addAll(
          transaction.list(
              "select concat_ws(' ', -1 - l.position, l.until) from "
                  + parts.late().sql()
                  + " as l",
              row -> row.getString(1)));
    }
    for (String line : lines) {
      String[] words = line.split(" ", 2);
      assertThat(found.put(Long.parseLong(words[0]), words[1])).as(line).isNull();
    }
    return found;
  }

  private static void expect(Map<Long, String> expected, long position, Outcome outcome) {
    if (outcome.kind() == Outcome.Kind.ACCEPTED) {
      expected.put(position, "ACCEPTED");
      if (outcome.until() > 0) {
        expected.put(-1 - position, Long.toString(outcome.until()));
      }
      return;
    }
    String reason =
        outcome.reason() == null
            ? ""
            : " " + outcome.reason().code() + " " + outcome.reason().message();
    expected.put(
        position,
        "%s %s %s%s"
            .formatted(outcome.kind(), outcome.unsure() ? "t" : "f", outcome.until(), reason));
  }

  private static Outcome random(Random random) {
    int which = random.nextInt(20);
    if (which < 12) {
      return Outcome.ACCEPTED;
    }
    Outcome.Kind kind = Outcome.Kind.values()[random.nextInt(Outcome.Kind.values().length)];
    boolean accepted = kind == Outcome.Kind.ACCEPTED;
    return new Outcome(
        kind,
        !accepted && random.nextBoolean(),
        random.nextBoolean() ? UNTIL + random.nextInt(5) : 0,
        accepted || random.nextBoolean() ? null : new Hold.Reason("c" + which, "no " + which));
  }

  @Test
  @DisplayName("P1: what four lanes note is what a fold finds, position by position")
  void whatLanesNoteIsWhatAFoldFinds() throws Exception {
    long seed = Long.getLong("fulmar.seed", System.nanoTime());
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    Ledger ledger = ledger(lease);
    Map<Long, String> expected = new HashMap<>();
    List<Runnable> lanes = new ArrayList<>();
    for (int lane = 0; lane < 4; lane++) {
      List<Runnable> steps = new ArrayList<>();
      for (int range = 0; range < 25; range++) {
        long from = (range * 4L + lane) * 500;
        int size = 400 + random.nextInt(100); // the rest of it is never handed out
        int done = range == 24 ? random.nextInt(size) : size; // and the last one not to its end
        steps.add(() -> ledger.reserve(from, from + size, UNTIL - 7));
        int at = 0;
        while (at < done) {
          int batch = Math.min(done - at, 1 + random.nextInt(120));
          List<Outcome> outcomes = new ArrayList<>();
          for (int i = 0; i < batch; i++) {
            Outcome outcome = random(random);
            outcomes.add(outcome);
            expect(expected, from + at + i, outcome);
          }
          long first = from + at;
          steps.add(() -> ledger.acknowledge(first, outcomes));
          at += batch;
        }
        for (int i = done; i < size; i++) {
          expect(expected, from + i, new Outcome(Outcome.Kind.UNKNOWN, true, UNTIL - 7, null));
        }
        steps.add(ledger::flush);
      }
      lanes.add(() -> steps.forEach(Runnable::run));
    }
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<?>> running = new ArrayList<>();
      lanes.forEach(lane -> running.add(threads.submit(lane)));
      for (Future<?> each : running) {
        each.get();
      }
    } finally {
      threads.shutdown();
    }
    assertThat(expected.values()).contains("ACCEPTED").anyMatch(text -> text.startsWith("UNKNOWN"));
    assertThat(outcomes()).isEqualTo(expected);
    try (Transaction transaction = fixture.begin()) {
      assertThat(Ledger.deliveredBy(transaction, FoldFixture.TABLES)).isEqualTo(9);
    }
  }

  @Test
  @DisplayName("A-04: answers that have not been written are not lost while the server is away")
  void serverThatIsAwayIsWaitedFor() throws Exception {
    try (ProtocolProxy proxy = proxy();
        Database database = behind(proxy)) {
      Ledger ledger = ledger(lease(database, "second"));
      ledger.reserve(0, 100, UNTIL);
      ledger.acknowledge(0, List.of(Outcome.ACCEPTED, Outcome.SKIPPED));
      proxy.resetOnConnect(3);
      proxy.resetAll();
      ledger.acknowledge(2, List.of(Outcome.ACCEPTED));
      ledger.flush();
      assertThat(outcomes())
          .hasSize(100)
          .containsEntry(0L, "ACCEPTED")
          .containsEntry(1L, "SKIPPED f 0")
          .containsEntry(2L, "ACCEPTED")
          .containsEntry(3L, "UNKNOWN t " + UNTIL);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @DisplayName("B-04: a commit without an answer is done again, and counts once")
  void commitWithoutAnAnswerCountsOnce(boolean arrives) throws Exception {
    try (ProtocolProxy proxy = proxy();
        Database database = behind(proxy)) {
      Ledger ledger = ledger(lease(database, "second"));
      if (arrives) {
        proxy.resetWhenServerSends("COMMIT", 2);
      } else {
        proxy.resetWhenClientSends("COMMIT", 2);
      }
      ledger.reserve(0, 3, UNTIL);
      ledger.acknowledge(0, List.of(Outcome.SKIPPED, Outcome.ACCEPTED));
      ledger.flush();
      assertThat(proxy.happened()).isEqualTo(2);
      assertThat(outcomes())
          .containsOnly(
              Map.entry(0L, "SKIPPED f 0"),
              Map.entry(1L, "ACCEPTED"),
              Map.entry(2L, "UNKNOWN t " + UNTIL));
      assertThat(fixture.lines("select count(*) from fulmar_planner.s1_ledger"))
          .containsExactly("3");
    }
  }

  @Test
  @DisplayName("B-06: a range costs six round trips, however many changes it has")
  void rangeCostsSixRoundTrips() throws Exception {
    try (ProtocolProxy proxy = proxy();
        Database database = behind(proxy)) {
      Ledger ledger = ledger(lease(database, "second"));
      List<Integer> answers = new ArrayList<>();
      for (int range = 0; range < 3; range++) {
        ledger.acknowledge(range * 5_000L, alternating(5_000));
        proxy.takeAnswers();
        proxy.takeAliveChecks();
        ledger.reserve(range * 5_000L + 5_000, range * 5_000L + 10_000, UNTIL);
        // Whether the connection lives is asked besides, once more if it has rested.
        answers.add(proxy.takeAnswers() - proxy.takeAliveChecks());
      }
      // That to BEGIN is not waited for: the driver sends the next statement along.
      assertThat(answers).containsExactly(7, 7, 7);
    }
  }

  private static List<Outcome> alternating(int count) {
    List<Outcome> outcomes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      outcomes.add(i % 2 == 0 ? Outcome.ACCEPTED : Outcome.SKIPPED);
    }
    return outcomes;
  }

  private ProtocolProxy proxy() {
    return ProtocolProxy.before(fixture.place.host(), fixture.place.port());
  }

  private Database behind(ProtocolProxy proxy) {
    Source source = fixture.place.source().host("localhost").port(proxy.port()).build();
    return new Database(source, "fulmar", Duration.ofMinutes(1));
  }

  @Test
  @DisplayName("P4: a runner that was taken over notes nothing any more")
  void runnerThatWasTakenOverNotesNothing() throws SQLException {
    Ledger ledger = ledger(lease);
    ledger.reserve(0, 10, UNTIL);
    ledger.acknowledge(0, List.of(Outcome.ACCEPTED));
    Leases.take(
        fixture.database, FoldFixture.SCHEMAS, FoldFixture.SYNC, "other", Duration.ofMinutes(1));
    assertThatThrownBy(() -> ledger.reserve(10, 20, UNTIL))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("another runner has taken over");
    assertThatThrownBy(ledger::flush).isInstanceOf(StateException.class);
    assertThat(outcomes()).hasSize(10).containsEntry(0L, "UNKNOWN t " + UNTIL);
  }

  @Test
  @DisplayName("C-14: a run uses no more transaction ids than it sends batches, and some")
  void runUsesFewTransactionIds() throws SQLException {
    Ledger ledger = ledger(lease);
    long before = xid();
    int batches = 50;
    for (int batch = 0; batch < batches; batch++) {
      ledger.reserve(batch * 10L, batch * 10L + 10, UNTIL);
      ledger.acknowledge(batch * 10L, java.util.Collections.nCopies(10, Outcome.ACCEPTED));
    }
    ledger.flush();
    // The server takes some for itself meanwhile, 4 once.
    assertThat(xid() - before).isBetween((long) batches, batches + 8L);
    assertThat(outcomes()).hasSize(batches * 10);
  }

  private long xid() throws SQLException {
    return fixture
        .list("select pg_snapshot_xmax(pg_current_snapshot())::text::int8", row -> row.getLong(1))
        .get(0);
  }

  @Test
  @DisplayName("P5: rejections that all differ do not pile up until somebody asks for them")
  void rejectionsDoNotPileUp() throws SQLException {
    Ledger ledger = ledger(lease);
    ledger.reserve(0, 25_000, UNTIL);
    Map<Long, String> expected = new HashMap<>();
    for (int batch = 0; batch < 25; batch++) {
      List<Outcome> outcomes = new ArrayList<>();
      for (int i = 0; i < 1_000; i++) {
        long position = batch * 1_000L + i;
        Outcome outcome =
            new Outcome(
                Outcome.Kind.REJECTED,
                false,
                0,
                new Hold.Reason("bad", "the value of row " + position + " is refused"));
        outcomes.add(outcome);
        expect(expected, position, outcome);
      }
      ledger.acknowledge(batch * 1_000L, outcomes);
    }
    assertThat(
            Long.parseLong(fixture.lines("select count(*) from fulmar_planner.s1_ledger").get(0)))
        .isGreaterThan(20_000);
    ledger.flush();
    assertThat(outcomes()).isEqualTo(expected);
    try (Transaction transaction = fixture.begin()) {
      Ledger.empty(transaction, FoldFixture.TABLES);
      transaction.commit();
    }
    assertThat(outcomes()).isEmpty();
  }

  @Test
  void answersOfSmallBatchesMakeOneRow() throws SQLException {
    Ledger ledger = ledger(lease);
    ledger.reserve(0, 100, UNTIL);
    for (int position = 0; position < 100; position++) {
      ledger.acknowledge(position, List.of(Outcome.ACCEPTED));
    }
    ledger.flush();
    assertThat(
            fixture.lines(
                "select first_position, end_position, kind from fulmar_planner.s1_ledger order by id"))
        .containsExactly("0 100 null", "0 100 ACCEPTED");
  }

  @Test
  void answersInATransactionOfTheCallerGoWithIt() throws SQLException {
    Ledger ledger = ledger(lease);
    ledger.reserve(10, 12, UNTIL);
    try (Transaction transaction = fixture.begin()) {
      ledger.acknowledge(transaction, 0, List.of(Outcome.SKIPPED));
    }
    try (Transaction transaction = fixture.begin()) {
      ledger.acknowledge(transaction, 0, List.of(Outcome.ACCEPTED, Outcome.ACCEPTED));
      transaction.commit();
    }
    ledger.acknowledge(10, List.of(Outcome.ACCEPTED, Outcome.ACCEPTED));
    ledger.flush();
    assertThat(outcomes().keySet()).containsExactlyInAnyOrder(0L, 1L, 10L, 11L);
    assertThat(outcomes().values()).containsOnly("ACCEPTED");
  }

  @Test
  @DisplayName(
      "G-05, G-06: what a destination says is noted in any encoding, and with any character")
  void reasonsAreNotedInAnyEncoding() throws SQLException {
    Outcome odd =
        new Outcome(
            Outcome.Kind.REJECTED,
            false,
            0,
            new Hold.Reason("c\0d", "é \uD83D\uDE00 \"{}\\', \uD83D" + "x".repeat(1_000)));
    for (String encoding : List.of("UTF8", "LATIN1")) {
      String name = "odd_" + encoding.toLowerCase(java.util.Locale.ROOT);
      fixture.place.execute(
          "create database %s encoding '%s' lc_collate 'C' lc_ctype 'C' template template0"
              .formatted(name, encoding));
      TestDatabase place =
          new TestDatabase(fixture.place.host(), fixture.place.port(), name, "postgres");
      try (FoldFixture other = new FoldFixture(place)) {
        Ledger ledger = ledger(lease(other.database, encoding));
        ledger.reserve(0, 1, UNTIL);
        ledger.acknowledge(0, List.of(odd));
        ledger.flush();
        String start = encoding.equals("UTF8") ? "é \uD83D\uDE00 \"{}\\', ?xx" : "? ? \"{}\\', ?xx";
        assertThat(
                other.lines(
                    "select code, message from fulmar_planner.s1_ledger where kind is not null"))
            .singleElement()
            .satisfies(
                line -> {
                  assertThat(line).startsWith("c?d " + start);
                  assertThat(line.length()).isLessThanOrEqualTo(504);
                });
      }
    }
  }
}
