package io.fulmar.verify.bench.compare;

import io.fulmar.verify.bench.compare.Results.Result;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What the engines are to reach, at the largest number of narrow rows, and whether they do. */
final class Goals {
  /** With fewer rows, what a run costs however few there are outweighs what is compared. */
  private static final long LEAST_ROWS = 1_000_000;

  private static final double MEGABYTE = 1e6;

  private final Results results;
  private final long rows;
  private final List<Goal> goals = new ArrayList<>();

  /**
   * A figure beside what is wanted of it.
   *
   * @param what is held against what
   * @param measured the figure; NaN if one of the two was not measured
   * @param bound its bound
   * @param unit of both
   * @param isUpper whether it may be at most that much, and not at least
   * @param isJudged whether there were rows enough to say
   */
  record Goal(
      String what, double measured, double bound, String unit, boolean isUpper, boolean isJudged) {
    private boolean isMet() {
      return isUpper ? measured <= bound : measured >= bound;
    }

    /** A line of the table. */
    String line() {
      return "| %s | %s | %s %s | %s |"
          .formatted(
              what, text(measured), isUpper ? "at most" : "at least", text(bound), verdict());
    }

    private String verdict() {
      if (!isJudged) {
        return "too few rows";
      }
      return isMet() ? "met" : "**missed**";
    }

    private String text(double number) {
      String digits = unit.equals("MB") || unit.equals("B") ? "%.1f %s" : "%.2f %s";
      return String.format(Locale.ROOT, digits, number, unit.equals("x") ? "×" : unit).trim();
    }
  }

  Goals(Results results) {
    this.results = results;
    List<Long> sizes = results.sizes(Shape.NARROW);
    rows = sizes.isEmpty() ? 0 : sizes.get(sizes.size() - 1);
    standard();
    lightning();
    growth();
  }

  /** Those of which both sides were measured. */
  List<Goal> measured() {
    return goals.stream().filter(each -> !Double.isNaN(each.measured)).toList();
  }

  private void standard() {
    Entrant query = Entrant.STANDARD_QUERY;
    atMost("standard engine, unchanged : bare COPY", toCopy(query, Scenario.UNCHANGED), 1.2, "x");
    atMost(
        "standard engine, unchanged for the third time : bare COPY",
        toCopy(query, Scenario.UNCHANGED_FOR_LONG),
        1,
        "x");
    atMost("standard engine, 1 % changed : bare COPY", toCopy(query, Scenario.CHANGED_1), 1.3, "x");
    atMost("standard engine, first run : bare COPY", toCopy(query, Scenario.FIRST), 2, "x");
    atMost("standard engine, state, bytes a row", stateBytes(query, false), 40, "B");
    double heap = peakHeap(rows);
    atMost("standard engine in `-Xmx64m`, most heap in use after a collection", heap, 64, "MB");
    List<Long> sizes = results.sizes(Shape.NARROW);
    if (sizes.size() > 1) {
      long before = sizes.get(sizes.size() - 2);
      atMost(
          String.format(Locale.ROOT, "the same at %,d rows : at %,d", rows, before),
          heap / peakHeap(before),
          1.25,
          "x");
    }
  }

  private void lightning() {
    Entrant query = Entrant.LIGHTNING_QUERY;
    Entrant table = Entrant.LIGHTNING_TABLE;
    double unchanged = seconds(query, Scenario.UNCHANGED);
    atMost(
        "Lightning, unchanged table (delta scan) : `count(*)` + 0.05 s",
        seconds(table, Scenario.UNCHANGED) / (seconds(Entrant.COUNT, Scenario.UNCHANGED) + 0.05),
        2,
        "x");
    atMost(
        "Lightning, unchanged query : full join by the key alone",
        unchanged / seconds(Entrant.FLOOR, Scenario.UNCHANGED),
        2.2,
        "x");
    atMost(
        "Lightning, unchanged query whose key nothing proves : the same join",
        seconds(Entrant.LIGHTNING_UNPROVEN, Scenario.UNCHANGED)
            / seconds(Entrant.FLOOR_UNPROVEN, Scenario.UNCHANGED),
        2.6,
        "x");
    atLeast(
        "full join on md5(row::text) by hand : Lightning, unchanged query",
        seconds(Entrant.MD5, Scenario.UNCHANGED) / unchanged,
        3);
    atLeast(
        "EXCEPT both ways by hand : Lightning, unchanged query",
        seconds(Entrant.EXCEPT, Scenario.UNCHANGED) / unchanged,
        5);
    costOfChanges("query", query);
    costOfChanges("table", table);
    atLeast(
        "Debezium's snapshot : Lightning, first run",
        seconds(Entrant.DEBEZIUM, Scenario.FIRST) / seconds(query, Scenario.FIRST),
        3);
    atMost("Lightning, WAL of an unchanged query", wal(query), 1, "MB");
    atMost("Lightning, WAL of an unchanged table", wal(table), 1, "MB");
    atMost("Lightning, state without index, bytes a row", stateBytes(query, true), 64, "B");
  }

  /** Against none, where rows are only added up, and against few, where they are joined too. */
  private void costOfChanges(String model, Entrant entrant) {
    double changed = seconds(entrant, Scenario.CHANGED_1);
    atMost(
        "Lightning, 1 %% changed %s - unchanged".formatted(model),
        changed - seconds(entrant, Scenario.UNCHANGED),
        1.5,
        "s");
    atMost(
        "Lightning, 1 %% changed %s - 0.1 %% changed".formatted(model),
        changed - seconds(entrant, Scenario.CHANGED_0_1),
        1.5,
        "s");
  }

  private void growth() {
    for (Entrant entrant : List.of(Entrant.STANDARD_QUERY, Entrant.LIGHTNING_QUERY)) {
      for (Scenario scenario : List.of(Scenario.FIRST, Scenario.UNCHANGED)) {
        atMost(
            "power of the rows with which time grows: %s, %s"
                .formatted(entrant.label(), scenario.title()),
            Statistics.exponent(results.bySize(Shape.NARROW, entrant, scenario)),
            1.1,
            "");
      }
    }
  }

  private void atMost(String what, double measured, double bound, String unit) {
    goals.add(new Goal(what, measured, bound, unit, true, rows >= LEAST_ROWS));
  }

  private void atLeast(String what, double measured, double bound) {
    goals.add(new Goal(what, measured, bound, "x", false, rows >= LEAST_ROWS));
  }

  private @Nullable Result find(Entrant entrant, Scenario scenario) {
    return results.find(Shape.NARROW, rows, entrant, scenario);
  }

  private double seconds(Entrant entrant, Scenario scenario) {
    Result result = find(entrant, scenario);
    return result == null ? Double.NaN : result.seconds();
  }

  private double toCopy(Entrant entrant, Scenario scenario) {
    Result result = find(entrant, scenario);
    return result == null ? Double.NaN : result.ratio();
  }

  private double wal(Entrant entrant) {
    Result result = find(entrant, Scenario.UNCHANGED);
    return result == null ? Double.NaN : result.median(Measurement.Amounts::wal) / MEGABYTE;
  }

  private double stateBytes(Entrant entrant, boolean isWithoutIndexes) {
    Result result = find(entrant, Scenario.FIRST);
    return result == null
        ? Double.NaN
        : result.median(
                isWithoutIndexes
                    ? Measurement.Amounts::stateWithoutIndexes
                    : Measurement.Amounts::state)
            / rows;
  }

  private double peakHeap(long size) {
    double most = Double.NaN;
    for (Scenario each : Scenario.values()) {
      Result result = results.find(Shape.NARROW, size, Entrant.STANDARD_64M, each);
      if (result != null) {
        double heap = Statistics.most(result.counted(Measurement.Amounts::heap)) / MEGABYTE;
        most = Double.isNaN(most) ? heap : Math.max(most, heap);
      }
    }
    return most;
  }
}
