package io.fulmar.lightning.internal.log;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows of {@code sync_runs} that could not be written yet, as the record of a sync keeps them: one
 * line each, the oldest first, at most 100. Stateless.
 */
final class LogGaps {
  private static final int MOST = 100;

  private LogGaps() {}

  /** The rows in a text; null for none. */
  static List<RunRow> rows(@Nullable String text) {
    return text == null ? List.of() : Arrays.stream(text.split("\n")).map(RunRow::parse).toList();
  }

  /**
   * The text with one more row; of a run that is there already, the one that was there stays. If
   * there are too many, the oldest goes.
   */
  static String with(@Nullable String text, RunRow row) {
    List<RunRow> rows = new ArrayList<>(rows(text));
    if (rows.stream().noneMatch(there -> there.run() == row.run())) {
      rows.add(row);
    }
    List<RunRow> kept = rows.subList(Math.max(0, rows.size() - MOST), rows.size());
    return String.join("\n", kept.stream().map(RunRow::text).toList());
  }
}
