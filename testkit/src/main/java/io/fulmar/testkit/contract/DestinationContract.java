package io.fulmar.testkit.contract;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.SpecialValue;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import io.fulmar.testkit.TestChanges;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The rules that every destination keeps to, whatever it writes to, as tests with numbers. The
 * author of a destination extends this class and says how to make one over an empty target, how to
 * read the target, what it refuses and how it is put out of reach:
 *
 * <pre>{@code
 * class ContactsTest extends DestinationContract {
 *   private final ContactServer server = new ContactServer();
 *
 *   @Override
 *   protected Destination destination() {
 *     return new ContactsDestination(server.uri());
 *   }
 *
 *   @Override
 *   protected Map<Long, Map<String, String>> records() {
 *     return server.records();
 *   }
 *
 *   @Override
 *   protected String refusedText() {
 *     return "not an address " + CANARY;
 *   }
 *
 *   @Override
 *   protected AutoCloseable outOfReach() {
 *     server.stop();
 *     return server::start;
 *   }
 * }
 * }</pre>
 *
 * <p>Rows have these columns, which the target needs to have as well; {@link #columns} may leave
 * some out. A table is made by
 *
 * <pre>{@code
 * create table records (
 *   id bigint primary key, t text, n numeric, f double precision, b boolean,
 *   y bytea, d date, z timestamp with time zone)
 * }</pre>
 *
 * and a record of an API looks like
 *
 * <pre>{@code
 * {"id": 1, "t": "text", "n": 1.10, "f": 0.1, "b": true,
 *  "y": "\\x00ff", "d": "2026-01-31", "z": "2026-01-31T12:00:00Z"}
 * }</pre>
 *
 * <p>A rule that needs what the destination does not have is skipped, and says which capability or
 * hook it misses. A rule that is broken says what was sent, what came back, and why the engine
 * needs it. Rules cannot be overridden. Each runs on a destination of its own, and none closes it.
 */
@SuppressWarnings("try") // close() of a writer may be interrupted
public abstract class DestinationContract {
  /** What must show in no message: each {@link #refusedText} holds it. */
  protected static final String CANARY = "canary-7b1d";

  @RegisterExtension static final Teaching TEACHING = new Teaching();

  private static final List<String> COLUMNS = List.of("t", "n", "f", "b", "y", "d", "z");
  private static final List<String> TYPES =
      List.of(
          "text",
          "numeric",
          "double precision",
          "boolean",
          "bytea",
          "date",
          "timestamp with time zone");
  private static final int MOST_ROWS = 20_000;
  private static final int MOST_BYTES = 8 << 20;
  private static final int MOST_WRITERS = 32;
  private static final int DIFFERENCES_SHOWN = 5;
  private static final Duration SILENCE = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final Duration SLACK = Duration.ofSeconds(2);

  private final TestChanges changes = TestChanges.keyedBy("id");
  private @Nullable Exchange exchange;

  /** For subclasses. */
  protected DestinationContract() {}

  /**
   * A destination over a target that is ready and holds no record. Called once in each rule, after
   * the {@code @BeforeEach} methods of the subclass.
   *
   * @throws Exception and the rule fails
   */
  protected abstract Destination destination() throws Exception;

  /**
   * What the target holds, read by another way than the destination's. A target that shows a write
   * late waits here until it does.
   *
   * @return by id the text of each column, in the {@link #form} of the target; null, or no entry,
   *     for NULL
   * @throws Exception and the rule fails
   */
  protected abstract Map<Long, Map<String, @Nullable String>> records() throws Exception;

  /**
   * A text in {@code t} for which the target refuses its row, and no other of the batch. Holds
   * {@link #CANARY}, and is a text that PostgreSQL can hold.
   *
   * @return null if the target refuses nothing, which skips the rules about that
   */
  protected abstract @Nullable String refusedText();

  /**
   * Puts the target out of reach: it refuses connections, answers that it is busy, or is locked, so
   * that nothing of a call is applied.
   *
   * @return puts it back as it is closed; null if there is no way, which skips the rules about that
   * @throws Exception and the rule fails
   */
  protected abstract @Nullable AutoCloseable outOfReach() throws Exception;

  /**
   * Makes the target silent: it takes what is sent and answers nothing, as {@link
   * io.fulmar.testkit.network.FaultProxy#silence()} does. Default: there is no way, which skips the
   * rule about that.
   *
   * @return lets the target answer again, to new calls at least, as it is closed; null if there is
   *     no way
   * @throws Exception and the rule fails
   */
  protected @Nullable AutoCloseable silent() throws Exception {
    return null;
  }

  /**
   * How the target writes a value that is not NULL. Default: PostgreSQL's text, as {@link
   * io.fulmar.Row#text} gives it.
   *
   * @param value of a type that {@link io.fulmar.Row} documents
   */
  protected String form(Object value) {
    return Objects.requireNonNull(TestChanges.row("value", value).text("value"));
  }

  /**
   * The columns that the target has, of {@code t n f b y d z}. Default: all. {@code id} and {@code
   * t} must be there.
   */
  protected Set<String> columns() {
    return Set.copyOf(COLUMNS);
  }

  /**
   * Whether the target cannot take a value. Such a row may be refused, and must not be changed,
   * shortened or dropped in silence. Default: it takes all.
   *
   * @param column {@code id}, or one of {@link #columns}
   * @param value what would be sent
   */
  protected boolean mayRefuse(String column, Object value) {
    return false;
  }

  /**
   * Whether the target keeps {@link Change#sequence} and heeds no older one. Default: it does not,
   * which skips the rule about that.
   */
  protected boolean keepsSequence() {
    return false;
  }

  /**
   * Whether the target knows which records it has, so that INSERT and UPDATE may skip: a file or a
   * queue does not. Default: it does.
   */
  protected boolean knowsRecords() {
    return true;
  }

  /**
   * The secrets that {@link #destination} was made with, which must show nowhere. Default: none,
   * which skips the rule about that.
   */
  protected List<String> secrets() {
    return List.of();
  }

  /** How long a call may take: {@link RunContext#callDeadline}. Default: 20 seconds. */
  protected Duration callDeadline() {
    return Duration.ofSeconds(20);
  }

  @Test
  @DisplayName("D1: type, identity and capabilities are there, and the same each time")
  @Why(
      "The identity is kept with the state of a sync, and a destination of another identity is"
          + " refused; batches are cut to the capabilities once, at the start of a run.")
  void saysWhatItIs() throws Exception {
    Destination destination = begin();
    Capabilities first = destination.capabilities();
    Capabilities second = destination.capabilities();
    unless(!destination.type().isBlank(), "the type is blank");
    unless(!destination.identity().isBlank(), "the identity is blank");
    unless(destination.type().equals(destination.type()), "the type is another the second time");
    unless(
        destination.identity().equals(destination.identity()),
        "the identity is another the second time");
    unless(
        first.actions().equals(second.actions())
            && first.maxRows() == second.maxRows()
            && first.maxBytes() == second.maxBytes()
            && first.concurrency() == second.concurrency()
            && first.canClear() == second.canClear()
            && Objects.equals(first.rate(), second.rate()),
        "the capabilities are others the second time");
    check(Map.of());
  }

  @Test
  @DisplayName("D2: UPSERT creates a record, and writes over one that is there")
  @Why("What was accepted is remembered as what the target holds, and not sent again.")
  void upsertWrites() throws Exception {
    Destination destination = begin(Action.UPSERT);
    accept(destination, Action.UPSERT, added(1, "a"), added(2, "b"));
    check(Map.of(1L, text("a"), 2L, text("b")));
    accept(destination, Action.UPSERT, changed(2, "c"));
    check(Map.of(1L, text("a"), 2L, text("c")));
  }

  @Test
  @DisplayName("D3: NULL writes over what was there")
  @Why("A row is sent whole, so a column that became NULL has to become empty outside.")
  void nullWritesOver() throws Exception {
    Destination destination = begin();
    Action first = creating();
    Action second = capable(Action.UPSERT) ? Action.UPSERT : Action.UPDATE;
    require(second);
    accept(destination, first, changes.added(values(1, full())));
    check(Map.of(1L, full()));
    accept(destination, second, changes.changed(values(1, Map.of())));
    check(Map.of(1L, Map.of()));
  }

  @Test
  @DisplayName("D4: INSERT creates a record, and is skipped where there is one, which stays")
  @Why("A sync in mode INSERT never writes over what somebody else made of a record.")
  void insertCreates() throws Exception {
    Destination destination = begin(Action.INSERT);
    skipUnless(knowsRecords(), "knowsRecords() says that the target does not");
    accept(destination, Action.INSERT, added(1, "a"));
    try (Writer writer = destination.open(run())) {
      expect(Verdict.Skipped.class, writer, Action.INSERT, added(1, "b"));
      accept(writer, Action.INSERT, added(2, "c"));
    }
    check(Map.of(1L, text("a"), 2L, text("c")));
  }

  @Test
  @DisplayName("D5: UPDATE changes a record, and is skipped where there is none, which stays so")
  @Why("A sync in mode UPDATE never creates records.")
  void updateChanges() throws Exception {
    Destination destination = begin(Action.UPDATE);
    Action first = creating();
    skipUnless(knowsRecords(), "knowsRecords() says that the target does not");
    accept(destination, first, added(1, "a"));
    try (Writer writer = destination.open(run())) {
      accept(writer, Action.UPDATE, changed(1, "b"));
      expect(Verdict.Skipped.class, writer, Action.UPDATE, changed(2, "c"));
    }
    check(Map.of(1L, text("b")));
  }

  @Test
  @DisplayName("D6: DELETE removes the record, and no other")
  @Why("An accepted removal is forgotten: a record that stayed would stay for ever.")
  void deleteRemoves() throws Exception {
    Destination destination = begin(Action.DELETE);
    Action first = creating();
    try (Writer writer = destination.open(run())) {
      accept(writer, first, added(1, "a"), added(2, "b"), added(3, "c"));
      accept(writer, Action.DELETE, removed(2));
    }
    check(Map.of(1L, text("a"), 3L, text("c")));
  }

  @Test
  @DisplayName("D7: DELETE of a record that is not there is accepted")
  @Why(
      "A removal is sent again when its answer was lost; a refusal would come back in every run"
          + " until it is quarantined.")
  void deleteOfAbsentIsAccepted() throws Exception {
    Destination destination = begin(Action.DELETE);
    try (Writer writer = destination.open(run())) {
      accept(writer, Action.DELETE, removed(9));
    }
    check(Map.of());
  }

  @Test
  @DisplayName("D8: CLEAR empties the record all but its key, and no other")
  @Why("A sync that clears records on removal says that the record itself stays.")
  void clearEmpties() throws Exception {
    Destination destination = begin(Action.CLEAR);
    Action first = creating();
    try (Writer writer = destination.open(run())) {
      accept(
          writer,
          first,
          changes.added(values(1, full())),
          changes.added(values(2, full())),
          added(3, "c"));
      accept(writer, Action.CLEAR, removed(2));
    }
    check(Map.of(1L, full(), 2L, Map.of(), 3L, text("c")));
  }

  @Test
  @DisplayName("D9: CLEAR of a record that is not there is accepted, and makes none")
  @Why("As D7: what is to be cleared may never have got there, or be gone by other hands.")
  void clearOfAbsentIsAccepted() throws Exception {
    Destination destination = begin(Action.CLEAR);
    try (Writer writer = destination.open(run())) {
      accept(writer, Action.CLEAR, removed(9));
    }
    check(Map.of());
  }

  @Test
  @DisplayName("D10: the same changes again, with the same ids, are accepted and change nothing")
  @Why("A change whose answer was lost is sent again, in the same run or in a later one.")
  void repeatsChangeNothing() throws Exception {
    Destination destination = begin();
    Action first = creating();
    Change a = added(1, "a");
    Change b = added(2, "b");
    accept(destination, first, a, b);
    accept(destination, first, TestChanges.again(a), TestChanges.again(b));
    check(Map.of(1L, text("a"), 2L, text("b")));
    if (capable(Action.DELETE)) {
      Change gone = removed(2);
      accept(destination, Action.DELETE, gone);
      accept(destination, Action.DELETE, TestChanges.again(gone));
      check(Map.of(1L, text("a")));
      accept(destination, first, added(2, "c"));
      check(Map.of(1L, text("a"), 2L, text("c")));
    }
  }

  @Test
  @DisplayName("D11: an older change that comes late does not win over a newer one")
  @Why(
      "A call that was given up may act later; only Change.sequence() tells that it is the older"
          + " one.")
  void olderChangeDoesNotWin() throws Exception {
    Destination destination = begin(Action.UPSERT);
    skipUnless(keepsSequence(), "keepsSequence() says that the target keeps none");
    Change older = added(1, "older");
    Change newer = changed(1, "newer");
    try (Writer writer = destination.open(run())) {
      accept(writer, Action.UPSERT, newer);
      exchange().deliver(writer, Action.UPSERT, List.of(older));
    }
    check(Map.of(1L, text("newer")));
  }

  @Test
  @DisplayName("D12: what is accepted is there, before the writer is closed")
  @Why(
      "Accepted is recorded at once and for ever: what waits in a buffer is lost with the process,"
          + " and nobody sends it again.")
  void acceptedIsThere() throws Exception {
    Destination destination = begin();
    Action first = creating();
    try (Writer writer = destination.open(run())) {
      accept(writer, first, added(1, "a"), added(2, "b"));
      check(Map.of(1L, text("a"), 2L, text("b")));
    }
    check(Map.of(1L, text("a"), 2L, text("b")));
  }

  @Test
  @DisplayName("D13: an answer names each change of its batch once at most, and no other")
  @Why(
      "An answer that contradicts itself is none: the outcome of the whole batch counts as unknown,"
          + " and all of it is sent again.")
  void answersAreOfTheBatch() throws Exception {
    Destination destination = begin();
    Action first = creating();
    int rows = Math.min(5, exchange().capabilities().maxRows());
    try (Writer writer = destination.open(run())) {
      for (int call = 0; call < 2; call++) {
        List<Change> batch = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
          batch.add(added(call * rows + i, "a"));
        }
        Delivery delivery = exchange().write(writer, first, batch);
        Set<String> open = new HashSet<>(batch.stream().map(Change::changeId).toList());
        for (Delivery.Answer answer : delivery.answers()) {
          unless(
              open.remove(answer.changeId()),
              "the answer names the change id %s, which is not in the batch or was named before"
                  .formatted(answer.changeId()));
        }
        unless(
            open.isEmpty() || delivery.unnamed() == Delivery.Unnamed.ACCEPTED,
            "%s of %s changes have no answer".formatted(open.size(), rows));
      }
    }
  }

  @Test
  @DisplayName("D14: a row that is refused is told from the others of its batch, which are written")
  @Why("One bad row must not hold up the others, nor count as delivered.")
  void refusedRowIsToldFromTheOthers() throws Exception {
    Destination destination = begin();
    Action first = creating();
    String refused = refused();
    List<Change> batch = new ArrayList<>();
    Map<Long, Map<String, @Nullable Object>> expected = new TreeMap<>();
    for (int i = 0; i < 8; i++) {
      boolean bad = i == 2 || i == 5;
      batch.add(added(i, bad ? refused : "fine"));
      if (!bad) {
        expected.put((long) i, text("fine"));
      }
    }
    try (Writer writer = destination.open(run())) {
      Map<String, Verdict> verdicts = exchange().deliver(writer, first, batch);
      for (int i = 0; i < 8; i++) {
        Class<? extends Verdict> verdict =
            i == 2 || i == 5 ? Verdict.Rejected.class : Verdict.Accepted.class;
        expect(verdict, batch.get(i), verdicts.get(batch.get(i).changeId()));
      }
      accept(writer, first, added(8, "afterwards"));
      expected.put(8L, text("afterwards"));
    }
    check(expected);
  }

  @Test
  @DisplayName("D15: a refusal has a code and shows no value")
  @Why("Refusals are grouped by code in reports and logs, where values of rows have no place.")
  void refusalShowsNoValue() throws Exception {
    Destination destination = begin();
    Action first = creating();
    String refused = refused();
    try (Writer writer = destination.open(run())) {
      for (Verdict verdict :
          exchange().deliver(writer, first, List.of(added(1, refused))).values()) {
        if (verdict instanceof Verdict.Rejected rejected) {
          unless(!rejected.code().isBlank(), "the code of the refusal is blank");
          unless(!rejected.code().contains(CANARY), "the code of the refusal holds the value");
          unless(
              !rejected.message().contains(CANARY), "the message of the refusal holds the value");
        }
      }
    }
  }

  @Test
  @DisplayName("D16: a value of any type arrives as it was, or its row is refused")
  @Why("A version that was accepted is never compared with what the target made of it.")
  void anyValueArrives() throws Exception {
    List<Map<String, @Nullable Object>> rows = new ArrayList<>();
    for (String number :
        List.of("0", "-0.00", "1.10", "9007199254740993", "0." + "0".repeat(300) + "1", "1e130")) {
      rows.add(value("n", new BigDecimal(number)));
    }
    rows.add(value("n", new SpecialValue("NaN")));
    for (double number :
        new double[] {
          0.1, -0.0, 4.9e-324, Double.MAX_VALUE, Double.NaN, Double.NEGATIVE_INFINITY
        }) {
      rows.add(value("f", number));
    }
    rows.add(value("b", true));
    rows.add(value("b", false));
    rows.add(value("y", new byte[0]));
    rows.add(value("y", new byte[] {0, -1, 10, 92}));
    rows.add(value("d", LocalDate.of(2024, 2, 29)));
    rows.add(value("d", LocalDate.of(-4712, 1, 1)));
    rows.add(value("d", LocalDate.of(5_874_897, 12, 31)));
    rows.add(value("d", new SpecialValue("infinity")));
    rows.add(value("z", OffsetDateTime.of(2026, 1, 2, 3, 4, 5, 678_900_000, ZoneOffset.UTC)));
    rows.add(value("z", OffsetDateTime.of(-43, 3, 15, 0, 0, 0, 0, ZoneOffset.UTC)));
    rows.add(value("z", new SpecialValue("-infinity")));
    arrive(rows);
  }

  @Test
  @DisplayName("D17: any text arrives as it was, or its row is refused")
  @Why("As D16. Texts are where escaping, encodings and lengths go wrong, and where attacks are.")
  void anyTextArrives() throws Exception {
    List<Map<String, @Nullable Object>> rows = new ArrayList<>();
    for (String text :
        List.of(
            "",
            " ",
            " a ",
            "\\N",
            "\\.",
            "null",
            "NULL",
            "a\tb\nc\rd\\e\"f'g",
            "\b\f\u0001\u007f\u0085\u2028",
            "g\u00fcnther \u4e2d\u6587 \ud83d\ude00 e\u0301 \u00e9 \u202e\ufeff\ufffd\uffff",
            "{\"a\": [1]}",
            "<b>&amp;</b>",
            "=1+1",
            "'; drop table records; --",
            "../../{id}?a=b&c#d%00",
            "x".repeat(100_000))) {
      rows.add(value("t", text));
    }
    arrive(rows);
  }

  @Test
  @DisplayName("D18: each key has a record of its own, however large it is")
  @Why("Keys that fall together outside write over each other, and both count as delivered.")
  void keysAreApart() throws Exception {
    Destination destination = begin();
    Action first = creating();
    List<Change> sent = new ArrayList<>();
    Map<Long, Map<String, @Nullable Object>> expected = new TreeMap<>();
    for (long id :
        new long[] {
          0, -1, 1, 9_007_199_254_740_992L, 9_007_199_254_740_993L, Long.MAX_VALUE, Long.MIN_VALUE,
        }) {
      if (!mayRefuse("id", id)) {
        sent.add(added(id, "of " + id));
        expected.put(id, text("of " + id));
      }
    }
    try (Writer writer = destination.open(run())) {
      accept(writer, first, sent.toArray(Change[]::new));
    }
    check(expected);
  }

  @Test
  @DisplayName("D19: a batch of as many rows as the capabilities say passes")
  @Why("Batches are cut to Capabilities.maxRows() and no smaller, unless the sync says so.")
  void mostRowsPass() throws Exception {
    Destination destination = begin();
    Action first = creating();
    int rows = Math.min(exchange().capabilities().maxRows(), MOST_ROWS);
    List<Change> batch = new ArrayList<>();
    Map<Long, Map<String, @Nullable Object>> expected = new TreeMap<>();
    long bytes = 0;
    for (int i = 0; i < rows; i++) {
      Change change = added(i, "x");
      bytes += Exchange.bytes(change);
      if (i > 0 && bytes > exchange().capabilities().maxBytes()) {
        break;
      }
      batch.add(change);
      expected.put((long) i, text("x"));
    }
    try (Writer writer = destination.open(run())) {
      exchange().write(writer, first, batch);
    }
    check(expected);
  }

  @Test
  @DisplayName("D20: a batch of as many bytes as the capabilities say passes")
  @Why("Batches are cut to Capabilities.maxBytes() and no smaller, unless the sync says so.")
  void mostBytesPass() throws Exception {
    Destination destination = begin();
    Action first = creating();
    Capabilities capabilities = exchange().capabilities();
    int rows = Math.min(capabilities.maxRows(), 64);
    // What a row has besides its text: an id of two digits.
    long each = Math.min(capabilities.maxBytes(), MOST_BYTES) / rows - 2;
    skipUnless(each > 0, "Capabilities.maxBytes is too small for " + rows + " rows");
    String text = "x".repeat((int) each);
    skipIfRefused(text);
    List<Change> batch = new ArrayList<>();
    Map<Long, Map<String, @Nullable Object>> expected = new TreeMap<>();
    for (int i = 0; i < rows; i++) {
      batch.add(added(i, text));
      expected.put((long) i, text(text));
    }
    try (Writer writer = destination.open(run())) {
      exchange().write(writer, first, batch);
    }
    check(expected);
  }

  @Test
  @DisplayName("D21: a single row with more bytes than the capabilities say is written or refused")
  @Why(
      "A row cannot be cut: it is sent alone. An exception would be an unknown outcome, for which"
          + " it is sent in every run.")
  void rowTooLargeIsWrittenOrRefused() throws Exception {
    Destination destination = begin();
    Action first = creating();
    long most = exchange().capabilities().maxBytes();
    skipUnless(most <= MOST_BYTES, "Capabilities.maxBytes is above " + MOST_BYTES);
    String text = "x".repeat((int) most);
    Change large = added(1, text);
    Map<Long, Map<String, @Nullable Object>> expected = new TreeMap<>();
    try (Writer writer = destination.open(run())) {
      Verdict verdict = exchange().deliver(writer, first, List.of(large)).get(large.changeId());
      if (verdict instanceof Verdict.Accepted) {
        expected.put(1L, text(text));
      } else {
        expect(Verdict.Rejected.class, large, verdict);
      }
      accept(writer, first, added(2, "b"));
      expected.put(2L, text("b"));
    }
    check(expected);
  }

  @Test
  @DisplayName("D22: a call on a thread that is interrupted ends, and sending it again mends it")
  @Why("cancel(), close() and deadlines interrupt calls; what they leave is sent again.")
  void interruptedCallIsMended() throws Exception {
    Destination destination = begin();
    Action first = creating();
    Change[] sent = {added(1, "a"), added(2, "b")};
    exchange().pace();
    Thread call =
        start(
            () -> {
              Thread.currentThread().interrupt();
              try (Writer writer = destination.open(run())) {
                exchange().writeNow(writer, first, cut(sent));
              }
            });
    call.join(callDeadline().plus(SLACK).toMillis());
    unless(!call.isAlive(), "the call has not ended after " + callDeadline());
    try (Writer writer = destination.open(run())) {
      accept(writer, first, sent);
      accept(writer, first, added(3, "c"));
    }
    check(Map.of(1L, text("a"), 2L, text("b"), 3L, text("c")));
  }

  @Test
  @DisplayName("D23: a call to a target that is silent ends by its deadline, and can be mended")
  @Why(
      "A call is interrupted shortly before its deadline and left behind with its thread at the"
          + " deadline; from then on it could act beside the one that repeats it.")
  void silentTargetIsGivenUp() throws Exception {
    Destination destination = begin();
    Action first = creating();
    Duration deadline = callDeadline().compareTo(SILENCE) < 0 ? callDeadline() : SILENCE;
    RunContext run = new RunContext("contract", 1, 1, deadline);
    Change[] sent = {added(2, "b")};
    CountDownLatch ready = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    Thread call =
        start(
            () -> {
              try (Writer writer = destination.open(run)) {
                accept(writer, first, added(1, "a"));
                exchange().pace();
                ready.countDown();
                go.await();
                exchange().writeNow(writer, first, List.of(sent));
              } finally {
                ready.countDown();
              }
            });
    unless(
        ready.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS),
        "a call before the silence has not ended after " + PATIENCE);
    AutoCloseable silence = silent();
    try {
      skipUnless(silence != null, "silent() gives no way to make the target silent");
      go.countDown();
      long grace = Math.min(1_000, deadline.toMillis() / 10);
      call.join(deadline.toMillis() - grace);
      call.interrupt();
      call.join(grace + SLACK.toMillis());
      unless(
          !call.isAlive(),
          "the call has not ended at its deadline of %s, though its thread was interrupted %s ms before"
              .formatted(deadline, grace));
    } finally {
      call.interrupt();
      if (silence != null) {
        silence.close();
      }
    }
    try (Writer writer = destination.open(run())) {
      accept(writer, first, sent);
    }
    check(Map.of(1L, text("a"), 2L, text("b")));
  }

  @Test
  @DisplayName("D24: a writer may be closed unused, and twice")
  @Why("A lane that gets no batch closes its writer unused; a second close must do no harm.")
  void writerMayBeClosedTwice() throws Exception {
    Destination destination = begin();
    Action first = creating();
    Writer unused = destination.open(run());
    unused.close();
    unused.close();
    Writer used = destination.open(run());
    accept(used, first, added(1, "a"));
    used.close();
    used.close();
    check(Map.of(1L, text("a")));
  }

  @Test
  @DisplayName("D25: a writer can be closed after a call that failed")
  @Why("An exception of close() hides the one of the call, which says what is wrong.")
  void writerIsClosedAfterAFailure() throws Exception {
    Destination destination = begin();
    Action first = creating();
    Writer writer = destination.open(run());
    try (AutoCloseable outage = outage()) {
      Objects.requireNonNull(outage);
      try {
        exchange().write(writer, first, List.of(added(1, "a")));
      } catch (Exception e) {
        // which one is the matter of another rule
      }
      try {
        writer.close();
      } catch (Exception e) {
        throw new BrokenRule("close() threw " + Words.thrown(e), e);
      }
    }
  }

  @Test
  @DisplayName("D26: clear leaves nothing, also of nothing, and writing goes on afterwards")
  @Why("clearAndFill sends every row as new after it, and repeats it until it has worked.")
  void clearLeavesNothing() throws Exception {
    Destination destination = begin();
    Action first = creating();
    skipUnless(exchange().capabilities().canClear(), "the capabilities do not say canClear");
    clear(destination);
    check(Map.of());
    accept(destination, first, added(1, "a"), added(2, "b"));
    clear(destination);
    check(Map.of());
    accept(destination, first, added(2, "c"));
    check(Map.of(2L, text("c")));
  }

  @Test
  @DisplayName("D27: as many writers as the capabilities allow write at once")
  @Why(
      "A run has as many lanes as the sync says, up to Capabilities.concurrency(), over one object.")
  void writersWriteAtOnce() throws Exception {
    Destination destination = begin();
    Action first = creating();
    int lanes = Math.min(exchange().capabilities().concurrency(), MOST_WRITERS);
    skipUnless(lanes > 1, "Capabilities.concurrency is 1");
    CyclicBarrier start = new CyclicBarrier(lanes);
    ExecutorService threads = Executors.newFixedThreadPool(lanes);
    Map<Long, Map<String, @Nullable Object>> expected = new TreeMap<>();
    try {
      List<Callable<Integer>> work = new ArrayList<>();
      for (int lane = 1; lane <= lanes; lane++) {
        RunContext run = new RunContext("contract", 1, lane, callDeadline());
        List<Change> sent = new ArrayList<>();
        for (long i = 0; i < 5; i++) {
          sent.add(added(lane * 1_000L + i, "lane"));
          expected.put(lane * 1_000L + i, text("lane"));
        }
        work.add(
            () -> {
              try (Writer writer = destination.open(run)) {
                start.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
                for (Change change : sent) {
                  accept(writer, first, change);
                }
              }
              return sent.size();
            });
      }
      for (Future<Integer> done : threads.invokeAll(work)) {
        done.get();
      }
    } finally {
      threads.shutdownNow();
    }
    check(expected);
  }

  @Test
  @DisplayName("D28: out of reach means NotAppliedException, nothing applied, and it passes")
  @Why(
      "Only that says that nothing was applied: the batch waits and is sent again. Any other"
          + " exception is an unknown outcome, for which the batch is halved and sent in every run.")
  void outOfReachMeansNotApplied() throws Exception {
    Destination destination = begin();
    Action first = creating();
    Change change = added(2, CANARY);
    accept(destination, first, added(1, "a"));
    try (Writer writer = destination.open(run())) {
      accept(writer, first, added(3, "c"));
      try (AutoCloseable outage = outage()) {
        Objects.requireNonNull(outage);
        Delivery delivery = exchange().write(writer, first, List.of(change));
        throw new BrokenRule(
            "write returned, and answered %s changes".formatted(delivery.answers().size()));
      } catch (NotAppliedException e) {
        unless(!shows(e, CANARY), "the message of the NotAppliedException holds a value");
      }
      unless(!records().containsKey(2L), "there is a record 2, which was said not to be applied");
      accept(writer, first, change);
    }
    check(Map.of(1L, text("a"), 2L, text(CANARY), 3L, text("c")));
  }

  @Test
  @DisplayName("D29: a batch is left as it was")
  @Why("A batch is sent again as it is when its outcome is unknown, and listeners see its changes.")
  void batchIsLeftAsItWas() throws Exception {
    Destination destination = begin();
    Action first = creating();
    byte[] bytes = {1, 2, 3};
    Change made = changes.added(values(1, Map.of("t", "a", "y", bytes)));
    // The rows of an engine give copies, so that this would not show.
    Change change =
        new Change(
            made.operation(),
            made.key(),
            new SharingRow(made.row(), "y", bytes),
            made.changeId(),
            made.sequence(),
            made.attempt());
    try (Writer writer = destination.open(run())) {
      accept(writer, first, change);
    }
    unless(Arrays.equals(bytes, new byte[] {1, 2, 3}), "the bytes of column y are others now");
  }

  @Test
  @DisplayName("D30: no secret shows in what it says")
  @Why("Type and identity are kept with the state; messages and steps reach logs and reports.")
  void noSecretShows() throws Exception {
    Destination destination = begin();
    Action first = creating();
    List<String> secrets = secrets();
    skipUnless(!secrets.isEmpty(), "secrets() names none");
    List<String> said = new ArrayList<>();
    said.add(destination.type());
    said.add(destination.identity());
    said.add(destination.toString());
    Steps steps = new Steps();
    destination.check(checkContext(), steps);
    said.addAll(steps.found());
    try (Writer writer = destination.open(run())) {
      said.add(writer.toString());
      String refused = refusedText();
      if (refused != null) {
        exchange()
            .deliver(writer, first, List.of(added(1, refused)))
            .values()
            .forEach(verdict -> said.add(verdict.toString()));
      }
    }
    AutoCloseable outage = outOfReach();
    if (outage != null) {
      try (outage;
          Writer writer = destination.open(run())) {
        exchange().write(writer, first, List.of(added(2, "b")));
      } catch (Exception e) {
        for (String secret : secrets) {
          unless(!shows(e, secret), "a secret shows in a " + e.getClass().getSimpleName());
        }
      }
    }
    for (String secret : secrets) {
      for (String text : said) {
        unless(
            !text.contains(secret),
            "a secret shows in " + Words.text(text.replace(secret, "(the secret)")));
      }
    }
  }

  @Test
  @DisplayName("D31: a check has nothing against a target that is ready, and changes nothing")
  @Why("engine.check(sync) is called before a first run, and beside runs.")
  void checkPassesAndChangesNothing() throws Exception {
    Destination destination = begin();
    Action first = creating();
    Steps steps = new Steps();
    destination.check(checkContext(), steps);
    unless(steps.failures().isEmpty(), "the check fails: " + steps.failures());
    check(Map.of());
    accept(destination, first, added(1, "a"));
    destination.check(checkContext(), new Steps());
    check(Map.of(1L, text("a")));
    accept(destination, first, added(2, "b"));
    check(Map.of(1L, text("a"), 2L, text("b")));
  }

  /** What was sent and came back, for messages. */
  final String calls() {
    Exchange current = exchange;
    return current == null ? "  nothing" : current.calls();
  }

  private Destination begin() throws Exception {
    Destination destination = destination();
    exchange = new Exchange(destination);
    return destination;
  }

  private Destination begin(Action needed) throws Exception {
    Destination destination = begin();
    require(needed);
    return destination;
  }

  private Exchange exchange() {
    return Objects.requireNonNull(exchange);
  }

  private RunContext run() {
    return new RunContext("contract", 1, 1, callDeadline());
  }

  private boolean capable(Action action) {
    return exchange().capabilities().actions().contains(action);
  }

  private void require(Action action) {
    skipUnless(capable(action), "Capabilities.actions does not have " + action);
  }

  /** The action by which this destination makes records. */
  private Action creating() {
    if (capable(Action.UPSERT)) {
      return Action.UPSERT;
    }
    skipUnless(
        capable(Action.INSERT),
        "Capabilities.actions has neither UPSERT nor INSERT, so that there is no record to begin"
            + " with");
    return Action.INSERT;
  }

  private static void skipUnless(boolean holds, String because) {
    if (!holds) {
      throw new SkippedRule(because);
    }
  }

  private void skipIfRefused(String text) {
    skipUnless(
        !mayRefuse("t", text),
        "mayRefuse() says that a text of %s characters may be refused".formatted(text.length()));
  }

  private String refused() {
    String text = refusedText();
    skipUnless(text != null, "refusedText() names no text that the target refuses");
    String refused = Objects.requireNonNull(text);
    if (!refused.contains(CANARY)) {
      throw new IllegalStateException("refusedText() must hold CANARY, so that it can be found");
    }
    return refused;
  }

  private AutoCloseable outage() throws Exception {
    AutoCloseable outage = outOfReach();
    skipUnless(outage != null, "outOfReach() gives no way to put the target out of reach");
    return Objects.requireNonNull(outage);
  }

  private static void unless(boolean holds, String found) {
    BrokenRule.unless(holds, found);
  }

  private Change added(long id, String text) {
    return changes.added(values(id, text(text)));
  }

  private Change changed(long id, String text) {
    return changes.changed(values(id, text(text)));
  }

  private Change removed(long id) {
    return changes.removed("id", id);
  }

  private static Map<String, @Nullable Object> text(String text) {
    return value("t", text);
  }

  private static Map<String, @Nullable Object> value(String column, Object value) {
    return Map.of(column, value);
  }

  /** A value in every column. */
  private static Map<String, @Nullable Object> full() {
    return Map.of(
        "t",
        "text",
        "n",
        new BigDecimal("1.10"),
        "f",
        0.1,
        "b",
        true,
        "y",
        new byte[] {0, -1},
        "d",
        LocalDate.of(2026, 1, 31),
        "z",
        OffsetDateTime.of(2026, 1, 31, 12, 0, 0, 0, ZoneOffset.UTC));
  }

  /** Names and values of a whole row by turns; what is not given is NULL. */
  private @Nullable Object[] values(long id, Map<String, @Nullable Object> given) {
    List<@Nullable Object> all = new ArrayList<>();
    all.add("id");
    all.add(id);
    for (String column : ordered()) {
      all.add(column);
      all.add(given.get(column));
    }
    return all.toArray();
  }

  private List<String> ordered() {
    return COLUMNS.stream().filter(columns()::contains).toList();
  }

  private CheckContext checkContext() {
    List<CheckContext.Column> all = new ArrayList<>();
    all.add(new CheckContext.Column("id", "bigint"));
    for (String column : ordered()) {
      all.add(new CheckContext.Column(column, TYPES.get(COLUMNS.indexOf(column))));
    }
    return new CheckContext("contract", exchange().capabilities().actions(), List.of("id"), all);
  }

  /** Sends rows and expects them there, but those that may be refused and are. */
  private void arrive(List<Map<String, @Nullable Object>> rows) throws Exception {
    Destination destination = begin();
    Action first = creating();
    List<Change> sent = new ArrayList<>();
    List<Map<String, @Nullable Object>> of = new ArrayList<>();
    for (Map<String, @Nullable Object> row : rows) {
      if (columns().containsAll(row.keySet())) {
        sent.add(changes.added(values(sent.size(), row)));
        of.add(row);
      }
    }
    skipUnless(!sent.isEmpty(), "columns() has none of the columns with such values");
    Map<Long, Map<String, @Nullable Object>> expected = new TreeMap<>();
    try (Writer writer = destination.open(run())) {
      Map<String, Verdict> verdicts = exchange().deliver(writer, first, sent);
      for (int i = 0; i < sent.size(); i++) {
        Verdict verdict = verdicts.get(sent.get(i).changeId());
        if (verdict instanceof Verdict.Rejected && mayBeRefused(of.get(i))) {
          continue;
        }
        expect(Verdict.Accepted.class, sent.get(i), verdict);
        expected.put((long) i, of.get(i));
      }
    }
    check(expected);
  }

  private boolean mayBeRefused(Map<String, @Nullable Object> row) {
    return row.entrySet().stream()
        .anyMatch(entry -> entry.getValue() != null && mayRefuse(entry.getKey(), entry.getValue()));
  }

  private void clear(Destination destination) throws Exception {
    exchange().pace();
    exchange().note("clear");
    destination.clear(new RunContext("contract", 1, 0, callDeadline()));
  }

  /** By a writer of its own. */
  private void accept(Destination destination, Action action, Change... sent) throws Exception {
    try (Writer writer = destination.open(run())) {
      accept(writer, action, sent);
    }
  }

  private void accept(Writer writer, Action action, Change... sent) throws Exception {
    expect(Verdict.Accepted.class, writer, action, sent);
  }

  private void expect(
      Class<? extends Verdict> expected, Writer writer, Action action, Change... sent)
      throws Exception {
    Map<String, Verdict> verdicts = exchange().deliver(writer, action, List.of(sent));
    for (Change change : sent) {
      expect(expected, change, verdicts.get(change.changeId()));
    }
  }

  private static void expect(
      Class<? extends Verdict> expected, Change change, @Nullable Verdict verdict) {
    unless(
        expected.isInstance(verdict),
        "the change of id %s is %s, and has to be %s%s"
            .formatted(
                change.key().text("id"),
                Words.verdict(verdict),
                expected.getSimpleName().toLowerCase(Locale.ROOT),
                values(change)));
  }

  /** The values of a row that the rule made, to find out which one it was. */
  private static String values(Change change) {
    List<String> values = new ArrayList<>();
    for (String column : change.row().columns()) {
      if (!column.equals("id") && change.row().text(column) != null) {
        values.add(column + " = " + Words.text(change.row().text(column)));
      }
    }
    return values.isEmpty() ? "" : "; its row has " + String.join(", ", values);
  }

  /** Holds the target to what it should hold. */
  private void check(Map<Long, ? extends Map<String, ? extends @Nullable Object>> expected)
      throws Exception {
    Map<Long, Map<String, @Nullable String>> held = new TreeMap<>(records());
    List<String> differences = new ArrayList<>();
    expected.forEach(
        (id, values) -> {
          Map<String, @Nullable String> record = held.remove(id);
          if (record == null) {
            differences.add("there is no record " + id);
            return;
          }
          for (String column : ordered()) {
            Object value = values.get(column);
            String text = value == null ? null : form(value);
            if (!Objects.equals(text, record.get(column))) {
              differences.add(
                  "record %s has %s in %s, and has to have %s"
                      .formatted(id, Words.text(record.get(column)), column, Words.text(text)));
            }
          }
        });
    held.keySet()
        .forEach(id -> differences.add("there is a record " + id + ", and has to be none"));
    unless(
        differences.isEmpty(),
        String.join("; ", differences.subList(0, Math.min(DIFFERENCES_SHOWN, differences.size())))
            + (differences.size() > DIFFERENCES_SHOWN
                ? "; and %s more".formatted(differences.size() - DIFFERENCES_SHOWN)
                : ""));
  }

  private static boolean shows(Throwable thrown, String text) {
    for (Throwable at = thrown; at != null; at = at.getCause()) {
      if (String.valueOf(at).contains(text)) {
        return true;
      }
    }
    return false;
  }

  /** A part of the changes that fits in one batch. */
  private List<Change> cut(Change... sent) {
    return List.of(sent).subList(0, Math.min(sent.length, exchange().capabilities().maxRows()));
  }

  /** What may fail. */
  @FunctionalInterface
  private interface Work {
    void run() throws Exception;
  }

  private Thread start(Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (Exception | AssertionError e) {
                exchange().note("the thread of the call ended with " + Words.thrown(e));
              }
            },
            "destination-contract");
    thread.setDaemon(true);
    thread.start();
    return thread;
  }
}
