package io.fulmar.lightning.internal.log;

import io.fulmar.Operation;
import io.fulmar.lightning.internal.schema.TabbedLine;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A row of {@code sync_runs}. Immutable.
 *
 * @param run number of the run
 * @param key names of the key's columns, with commas between
 * @param destination type of the destination
 * @param model name of the model
 * @param error why the run ended early, or what is missing from its logs; null for nothing
 * @param status {@code succeeded} or {@code failed}
 * @param startedAt when it began
 * @param endedAt when it ended
 * @param counts in the order of {@link #COUNTS}
 */
record RunRow(
    long run,
    String key,
    String destination,
    String model,
    @Nullable String error,
    String status,
    Instant startedAt,
    Instant endedAt,
    List<Long> counts) {
  /** Columns of counts: of each state, of each operation. */
  static final List<String> COUNTS =
      Stream.of("planned", "attempted", "succeeded", "failed")
          .flatMap(
              state -> Stream.of("add", "change", "remove").map(of -> "num_" + state + "_" + of))
          .toList();

  private static final int OPERATIONS = Operation.values().length;

  /** Copies the list. */
  RunRow {
    counts = List.copyOf(counts);
  }

  /** What became of the changes of one operation. */
  record Count(Operation operation, long succeeded, long failed) {}

  /** The counts of a run. */
  static List<Long> counts(List<Long> planned, List<Count> done) {
    List<Long> counts = new ArrayList<>(Collections.nCopies(COUNTS.size(), 0L));
    for (int i = 0; i < OPERATIONS; i++) {
      counts.set(i, planned.get(i));
    }
    for (Count count : done) {
      int at = count.operation().ordinal();
      counts.set(OPERATIONS + at, count.succeeded() + count.failed());
      counts.set(2 * OPERATIONS + at, count.succeeded());
      counts.set(3 * OPERATIONS + at, count.failed());
    }
    return counts;
  }

  /** This row with one more sentence in its error. */
  RunRow withError(String sentence) {
    String both = error == null ? sentence : error + " " + sentence;
    return new RunRow(run, key, destination, model, both, status, startedAt, endedAt, counts);
  }

  /** As one line of text, for {@link #parse}. */
  String text() {
    List<String> fields =
        new ArrayList<>(
            List.of(
                Long.toString(run),
                key,
                destination,
                model,
                error == null ? "" : error,
                status,
                startedAt.toString(),
                endedAt.toString()));
    counts.forEach(count -> fields.add(String.format(Locale.ROOT, "%d", count)));
    return TabbedLine.of(fields);
  }

  /**
   * What {@link #text} gave.
   *
   * @throws IllegalArgumentException if it is something else
   */
  static RunRow parse(String line) {
    List<String> fields = TabbedLine.parse(line);
    if (fields.size() != 8 + COUNTS.size()) {
      throw new IllegalArgumentException("a run with " + fields.size() + " fields");
    }
    return new RunRow(
        Long.parseLong(fields.get(0)),
        fields.get(1),
        fields.get(2),
        fields.get(3),
        fields.get(4).isEmpty() ? null : fields.get(4),
        fields.get(5),
        Instant.parse(fields.get(6)),
        Instant.parse(fields.get(7)),
        fields.subList(8, fields.size()).stream().map(Long::valueOf).toList());
  }
}
