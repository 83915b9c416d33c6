package io.fulmar.internal.check;

import io.fulmar.CheckReport;
import io.fulmar.CheckReport.Step;
import io.fulmar.CheckReport.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Everything that one check found so far: sections whose steps are taken by different threads, in
 * the order in which the report shows them. Threadsafe; once ended, it takes nothing more.
 */
final class Board {
  /** What a check that was cut short between two steps did not do. */
  private static final String REST = "remaining steps";

  private final List<Section> sections = new ArrayList<>();
  private final LongSupplier nanoTime;
  private final long began;
  private final Duration total;
  private volatile boolean ended;

  Board(LongSupplier nanoTime, Duration total) {
    this.nanoTime = nanoTime;
    this.began = nanoTime.getAsLong();
    this.total = total;
  }

  /**
   * The next section of the report.
   *
   * @param prefix before the names of its steps
   * @param expected steps that will be reported as skipped if the check ends before them
   */
  synchronized Section section(String prefix, List<String> expected) {
    Section section = new Section(this, prefix, expected);
    sections.add(section);
    return section;
  }

  long now() {
    return nanoTime.getAsLong();
  }

  Duration took() {
    return Duration.ofNanos(now() - began);
  }

  Duration remaining() {
    Duration left = total.minus(took());
    return left.isNegative() ? Duration.ZERO : left;
  }

  boolean isEnded() {
    return ended;
  }

  /** How a step ended; null if there was none of that name. */
  synchronized @Nullable Verdict verdict(String name) {
    for (Section section : sections) {
      for (Step step : section.steps()) {
        if (step.name().equals(name)) {
          return step.verdict();
        }
      }
    }
    return null;
  }

  /**
   * Closes the board. A check that was cut short never looks as if it had passed: where no step was
   * under way that could say so, one more step does.
   *
   * @param cut why the check ended before all of its steps had; null if it did not
   */
  synchronized List<Step> end(@Nullable String cut) {
    ended = true;
    boolean said = cut == null;
    List<Step> steps = new ArrayList<>();
    for (Section section : sections) {
      said |= section.end(cut == null ? "it did not begin" : cut);
      steps.addAll(section.steps());
    }
    if (!said) {
      steps.add(new Step(REST, Verdict.FAILED, Duration.ZERO, List.of(cut), List.of()));
    }
    return steps;
  }

  CheckReport report(String source, @Nullable String sync, @Nullable String cut) {
    return new CheckReport(source, sync, end(cut), took());
  }
}
