package io.fulmar.verify.quickstart;

import io.fulmar.Operation;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/** The runs side by side: a column for each run, a line for each figure. */
final class RunTable {
  private RunTable() {}

  /**
   * A run with what stood before and after it.
   *
   * @param before source and destination compared before the run
   * @param report what the run says of itself
   * @param status what the engine says after the run
   * @param after source and destination compared after the run
   */
  record Column(Comparison before, SyncReport report, SyncStatus status, Comparison after) {
    /** Changes that the engine remembers as not accepted. */
    long held() {
      return status.holds().values().stream().mapToLong(Long::longValue).sum();
    }

    private double seconds() {
      SyncReport.Times times = report.times();
      return times.plan().plus(times.deliver()).plus(times.fold()).toMillis() / 1000.0;
    }
  }

  static void print(PrintStream out, List<Column> columns) {
    Function<ToLongFunction<Column>, Function<Column, String>> count =
        figure -> column -> String.format(Locale.ROOT, "%,d", figure.applyAsLong(column));
    int[] number = {0};
    line(out, "", columns, column -> "run " + ++number[0]);
    line(out, "rows of the model", columns, count.apply(c -> c.before().leftRows()));
    line(
        out,
        "rows that differed before the run",
        columns,
        count.apply(c -> c.before().differing()));
    for (Operation operation : Operation.values()) {
      String name = operation.name().toLowerCase(Locale.ROOT);
      line(
          out,
          "planned, " + name,
          columns,
          count.apply(c -> c.report().counts(operation).planned()));
    }
    line(out, "sent", columns, count.apply(c -> c.report().total().attempted()));
    line(
        out,
        "  accepted by the destination",
        columns,
        count.apply(c -> c.report().total().accepted()));
    line(
        out,
        "  skipped by the destination",
        columns,
        count.apply(c -> c.report().total().skipped()));
    line(out, "  failed: rejected by it", columns, count.apply(c -> c.report().total().failed()));
    line(out, "held: not accepted, remembered", columns, count.apply(Column::held));
    line(out, "rows that differ after the run", columns, count.apply(c -> c.after().differing()));
    line(out, "calls of the destination", columns, count.apply(c -> c.report().calls()));
    line(out, "seconds", columns, c -> String.format(Locale.ROOT, "%.1f", c.seconds()));
    line(out, "status", columns, c -> c.report().status().name());
  }

  private static void line(
      PrintStream out, String label, List<Column> columns, Function<Column, String> cell) {
    StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-34s", label));
    for (Column column : columns) {
      line.append(String.format(Locale.ROOT, " %9s", cell.apply(column)));
    }
    out.println(line);
  }
}
