package io.fulmar.verify.destination;

import static io.fulmar.verify.destination.ValueRow.change;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.SpecialValue;
import io.fulmar.internal.type.JavaValue;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What every destination keeps to, whatever it writes to. A destination is held to it by a subclass
 * that says how to make one over an empty target, how to read the target, what it refuses, and how
 * to put it out of reach.
 *
 * <p>Rows have the columns {@code id} (the key), {@code t} (text), {@code n} (numeric), {@code f}
 * (double precision), {@code b} (boolean), {@code y} (bytea), {@code d} (date) and {@code z}
 * (timestamp with time zone).
 */
@SuppressWarnings("try") // close() of a writer may be interrupted
abstract class DestinationContract {
  static final String CANARY = "canary-7b1d";

  private static final RunContext RUN = new RunContext("crm", 7, 1, Duration.ofSeconds(20));
  private static final List<String> COLUMNS = List.of("t", "n", "f", "b", "y", "d", "z");

  /** A destination over a target that holds nothing. Called once in each test. */
  abstract Destination destination() throws Exception;

  /** What the target holds: by id the text of each column, null for NULL. */
  abstract Map<Long, Map<String, @Nullable String>> records() throws Exception;

  /** A text for {@code t} for which the target refuses its row, and holds {@link #CANARY}. */
  abstract String refusedText();

  /** Puts the target out of reach until it is closed. */
  abstract AutoCloseable outOfReach() throws Exception;

  /** How the target writes a value. */
  String form(Object value) {
    return JavaValue.text(value);
  }

  private static Change row(long id, long sequence, @Nullable Object... values) {
    List<@Nullable Object> all = new ArrayList<>(Arrays.asList("id", id));
    for (int i = 0; i < COLUMNS.size(); i++) {
      all.add(COLUMNS.get(i));
      all.add(i < values.length ? values[i] : null);
    }
    return change(Operation.CHANGED, sequence, all.toArray());
  }

  private static Change removed(long id, long sequence) {
    return change(Operation.REMOVED, sequence, "id", id);
  }

  private Map<String, @Nullable String> record(@Nullable Object... values) {
    Map<String, @Nullable String> record = new LinkedHashMap<>();
    for (int i = 0; i < COLUMNS.size(); i++) {
      Object value = i < values.length ? values[i] : null;
      record.put(COLUMNS.get(i), value == null ? null : form(value));
    }
    return record;
  }

  /** Hands out what the capabilities allow, halves what is rejected whole, as an engine does. */
  private static Map<String, Verdict> deliver(
      Destination destination, Writer writer, Action action, List<Change> changes)
      throws Exception {
    Map<String, Verdict> verdicts = new LinkedHashMap<>();
    int most = destination.capabilities().maxRows();
    for (int from = 0; from < changes.size(); from += most) {
      List<Change> part = changes.subList(from, Math.min(changes.size(), from + most));
      try {
        Delivery delivery = writer.write(new Batch(action, part));
        delivery.answers().forEach(answer -> verdicts.put(answer.changeId(), answer.verdict()));
        if (delivery.unnamed() == Delivery.Unnamed.ACCEPTED) {
          part.forEach(each -> verdicts.putIfAbsent(each.changeId(), new Verdict.Accepted()));
        }
      } catch (BatchRejectedException e) {
        if (part.size() == 1) {
          verdicts.put(
              part.get(0).changeId(),
              new Verdict.Rejected(
                  e.code(), String.valueOf(e.getMessage()), Verdict.Retry.NEXT_RUN));
        } else {
          int middle = part.size() / 2;
          verdicts.putAll(deliver(destination, writer, action, part.subList(0, middle)));
          verdicts.putAll(deliver(destination, writer, action, part.subList(middle, part.size())));
        }
      }
    }
    return verdicts;
  }

  private static void accept(
      Destination destination, Writer writer, Action action, Change... changes) throws Exception {
    assertThat(deliver(destination, writer, action, List.of(changes)))
        .hasSize(changes.length)
        .allSatisfy((id, verdict) -> assertThat(verdict).isInstanceOf(Verdict.Accepted.class));
  }

  @Test
  @DisplayName("D1: it says what it is, which one, and what it can do, the same each time")
  void saysWhatItIs() throws Exception {
    Destination destination = destination();
    assertThat(destination.type()).isNotBlank();
    assertThat(destination.identity()).isNotBlank().isEqualTo(destination.identity());
    assertThat(destination.toString()).doesNotContain(CANARY);
    assertThat(destination.capabilities().actions())
        .contains(Action.UPSERT, Action.DELETE, Action.CLEAR);
    assertThat(destination.capabilities().canClear()).isTrue();
    assertThat(records()).isEmpty();
  }

  @Test
  @DisplayName("D2: UPSERT writes, writes over, and is accepted")
  void upsertWrites() throws Exception {
    Destination destination = destination();
    try (Writer writer = destination.open(RUN)) {
      accept(destination, writer, Action.UPSERT, row(1, 1, "a"), row(2, 1, "b"));
      accept(destination, writer, Action.UPSERT, row(2, 2, "c", BigDecimal.ONE));
    }
    assertThat(records()).isEqualTo(Map.of(1L, record("a"), 2L, record("c", BigDecimal.ONE)));
  }

  @Test
  @DisplayName("D3: DELETE removes, also what is not there; CLEAR empties and keeps the record")
  void removalsRemove() throws Exception {
    Destination destination = destination();
    try (Writer writer = destination.open(RUN)) {
      accept(destination, writer, Action.UPSERT, row(1, 1, "a"), row(2, 1, "b"), row(3, 1, "c"));
      accept(destination, writer, Action.DELETE, removed(1, 2), removed(9, 2));
      accept(destination, writer, Action.CLEAR, removed(2, 2));
    }
    assertThat(records()).isEqualTo(Map.of(2L, record(), 3L, record("c")));
  }

  @Test
  @DisplayName("D4: the same changes again, with the same ids, change nothing and are accepted")
  void repeatsChangeNothing() throws Exception {
    Destination destination = destination();
    for (int i = 0; i < 3; i++) {
      try (Writer writer = destination.open(RUN)) {
        accept(destination, writer, Action.UPSERT, row(1, 1, "a"), row(2, 1, "b"));
        accept(destination, writer, Action.DELETE, removed(2, 2));
        if (i < 2) {
          continue;
        }
        accept(destination, writer, Action.UPSERT, row(2, 3, "d"));
      }
    }
    assertThat(records()).isEqualTo(Map.of(1L, record("a"), 2L, record("d")));
  }

  @Test
  @DisplayName("D5: a row that is refused is told from the others of its batch, without its values")
  void refusedRowIsToldFromTheOthers() throws Exception {
    Destination destination = destination();
    List<Change> changes = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      changes.add(row(i, 1, i == 2 || i == 5 ? refusedText() : "fine"));
    }
    Map<String, Verdict> verdicts;
    try (Writer writer = destination.open(RUN)) {
      verdicts = deliver(destination, writer, Action.UPSERT, changes);
      accept(destination, writer, Action.UPSERT, row(8, 1, "afterwards"));
    }
    for (int i = 0; i < 8; i++) {
      Verdict verdict = verdicts.get(changes.get(i).changeId());
      if (i == 2 || i == 5) {
        assertThat(verdict).isInstanceOf(Verdict.Rejected.class);
        assertThat(verdict.toString()).doesNotContain(CANARY);
        assertThat(((Verdict.Rejected) verdict).code()).isNotBlank();
      } else {
        assertThat(verdict).isInstanceOf(Verdict.Accepted.class);
      }
    }
    assertThat(records().keySet()).containsExactlyInAnyOrder(0L, 1L, 3L, 4L, 6L, 7L, 8L);
  }

  @Test
  @DisplayName("D6: any value comes back as it was")
  void anyValueComesBack() throws Exception {
    Destination destination = destination();
    List<@Nullable Object[]> rows = new ArrayList<>();
    for (String text :
        List.of(
            "",
            " ",
            "\\N",
            "\\.",
            "null",
            "NULL",
            "a\tb\nc\rd\\e\"f'g",
            "\b\f\u0001\u007f\u0085\u2028",
            "g\u00fcnther \u4e2d\u6587 \ud83d\ude00 e\u0301 \u202e\ufeff\ufffd",
            "{\"a\": [1]}",
            "=1+1",
            "../../{id}?a=b&c#d%00",
            "x".repeat(100_000))) {
      rows.add(new @Nullable Object[] {text});
    }
    for (String number :
        List.of("0", "-0.00", "1.10", "9007199254740993", "0." + "0".repeat(300) + "1", "1e130")) {
      rows.add(new @Nullable Object[] {null, new BigDecimal(number)});
    }
    rows.add(new @Nullable Object[] {null, new SpecialValue("NaN")});
    for (double number :
        new double[] {
          0.1, -0.0, 4.9e-324, Double.MAX_VALUE, Double.NaN, Double.NEGATIVE_INFINITY
        }) {
      rows.add(new @Nullable Object[] {null, null, number});
    }
    rows.add(new @Nullable Object[] {null, null, null, true, new byte[0]});
    rows.add(new @Nullable Object[] {null, null, null, false, new byte[] {0, -1, 10, 92}});
    rows.add(
        new @Nullable Object[] {
          null,
          null,
          null,
          null,
          null,
          LocalDate.of(-4712, 1, 1),
          OffsetDateTime.of(2026, 1, 2, 3, 4, 5, 678_900_000, ZoneOffset.UTC)
        });
    rows.add(
        new @Nullable Object[] {
          null, null, null, null, null, new SpecialValue("infinity"), new SpecialValue("-infinity")
        });
    rows.add(
        new @Nullable Object[] {
          null,
          null,
          null,
          null,
          null,
          LocalDate.of(5_874_897, 12, 31),
          OffsetDateTime.of(-43, 3, 15, 0, 0, 0, 0, ZoneOffset.UTC)
        });
    List<Change> changes = new ArrayList<>();
    Map<Long, Map<String, @Nullable String>> expected = new TreeMap<>();
    for (int i = 0; i < rows.size(); i++) {
      changes.add(row(i, 1, rows.get(i)));
      expected.put((long) i, record(rows.get(i)));
    }
    try (Writer writer = destination.open(RUN)) {
      accept(destination, writer, Action.UPSERT, changes.toArray(Change[]::new));
    }
    assertThat(new TreeMap<>(records())).isEqualTo(expected);
  }

  @Test
  @DisplayName("D7: a batch of as many rows as the capabilities say passes, and one of 4 MiB")
  void largeBatchPasses() throws Exception {
    Destination destination = destination();
    int rows = Math.min(destination.capabilities().maxRows(), 20_000);
    List<Change> changes = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      changes.add(row(i, 1, "x".repeat(Math.max(10, (4 << 20) / rows))));
    }
    try (Writer writer = destination.open(RUN)) {
      accept(destination, writer, Action.UPSERT, changes.toArray(Change[]::new));
    }
    assertThat(records()).hasSize(rows);
  }

  @Test
  @DisplayName("D8: a call that is interrupted ends, and sending its batch again makes all right")
  void interruptedCallIsMended() throws Exception {
    Destination destination = destination();
    Change[] changes = {row(1, 1, "a"), row(2, 1, "b")};
    try (Writer writer = destination.open(RUN)) {
      Thread.currentThread().interrupt();
      try {
        deliver(destination, writer, Action.UPSERT, List.of(changes));
      } catch (Exception e) {
        assertThat(e).hasMessageNotContaining(CANARY);
      }
      Thread.interrupted();
    }
    try (Writer writer = destination.open(RUN)) {
      accept(destination, writer, Action.UPSERT, changes);
      accept(destination, writer, Action.UPSERT, row(3, 1, "c"));
    }
    assertThat(records()).isEqualTo(Map.of(1L, record("a"), 2L, record("b"), 3L, record("c")));
  }

  @Test
  @DisplayName("D9: a writer may be closed unused, and twice")
  void writerMayBeClosedTwice() throws Exception {
    Destination destination = destination();
    Writer unused = destination.open(RUN);
    unused.close();
    unused.close();
    Writer used = destination.open(RUN);
    accept(destination, used, Action.UPSERT, row(1, 1, "a"));
    used.close();
    used.close();
    assertThat(records()).hasSize(1);
  }

  @Test
  @DisplayName("D10: clear leaves nothing, also of nothing, and writing goes on afterwards")
  void clearLeavesNothing() throws Exception {
    Destination destination = destination();
    destination.clear(RUN);
    assertThat(records()).isEmpty();
    try (Writer writer = destination.open(RUN)) {
      accept(destination, writer, Action.UPSERT, row(1, 1, "a"));
      destination.clear(RUN);
      assertThat(records()).isEmpty();
      accept(destination, writer, Action.UPSERT, row(2, 2, "b"));
    }
    assertThat(records()).isEqualTo(Map.of(2L, record("b")));
  }

  @Test
  @DisplayName("D11: as many writers as the capabilities allow write at once")
  void writersWriteAtOnce() throws Exception {
    Destination destination = destination();
    int lanes = destination.capabilities().concurrency();
    CyclicBarrier start = new CyclicBarrier(lanes);
    ExecutorService threads = Executors.newFixedThreadPool(lanes);
    try {
      List<Callable<Integer>> work = new ArrayList<>();
      for (int lane = 0; lane < lanes; lane++) {
        int first = lane * 1_000;
        work.add(
            () -> {
              start.await();
              try (Writer writer = destination.open(RUN)) {
                for (int i = 0; i < 5; i++) {
                  accept(destination, writer, Action.UPSERT, row(first + i, 1, "lane"));
                }
              }
              return first;
            });
      }
      for (Future<Integer> done : threads.invokeAll(work)) {
        done.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(records()).hasSize(5 * lanes);
  }

  @Test
  @DisplayName("D12: out of reach means that nothing was applied, and passes")
  void outOfReachMeansNotApplied() throws Exception {
    Destination destination = destination();
    try (Writer writer = destination.open(RUN)) {
      accept(destination, writer, Action.UPSERT, row(1, 1, "a"));
      Change change = row(1, 2, CANARY);
      AutoCloseable outage = outOfReach();
      try (outage) {
        assertThatThrownBy(() -> writer.write(new Batch(Action.UPSERT, List.of(change))))
            .isExactlyInstanceOf(NotAppliedException.class)
            .hasMessageNotContaining(CANARY);
      }
      assertThat(records()).isEqualTo(Map.of(1L, record("a")));
      accept(destination, writer, Action.UPSERT, change);
    }
    assertThat(records()).isEqualTo(Map.of(1L, record(CANARY)));
  }

  @Test
  @DisplayName("D13: a batch is left as it was")
  void batchIsLeftAsItWas() throws Exception {
    Destination destination = destination();
    byte[] bytes = {1, 2, 3};
    Change change = row(1, 1, "a", null, null, null, bytes);
    Map<String, @Nullable Object> before = new LinkedHashMap<>(change.row().asMap());
    try (Writer writer = destination.open(RUN)) {
      accept(destination, writer, Action.UPSERT, change);
    }
    assertThat(change.row().asMap()).isEqualTo(before);
    assertThat(bytes).containsExactly(1, 2, 3);
  }
}
