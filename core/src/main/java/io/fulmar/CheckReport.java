package io.fulmar;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What {@link SyncEngine#check} found, step by step. Immutable; holds neither secrets nor values of
 * rows.
 *
 * @param source what was checked: {@code "postgresql://db:5432/shop"}
 * @param sync name of the sync that was checked; null if the engine alone was
 * @param steps in the order in which they depend on each other
 * @param took how long all of it took
 */
public record CheckReport(String source, @Nullable String sync, List<Step> steps, Duration took) {
  private static final Pattern LINE_BREAK = Pattern.compile("\\s*\\R\\s*");
  private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");

  /** Copies the steps. */
  public CheckReport {
    Objects.requireNonNull(source, "source");
    steps = List.copyOf(steps);
    Objects.requireNonNull(took, "took");
  }

  /** How a step ended. */
  public enum Verdict {
    /** All is well. */
    PASSED,
    /** It works; something should be otherwise. */
    WARNING,
    /** It does not work. */
    FAILED,
    /** Not tried, since a step that it needs did not pass, or the check ended before it. */
    SKIPPED
  }

  /**
   * A step.
   *
   * @param name what was looked at: {@code "network"}
   * @param verdict how it ended
   * @param took how long it took
   * @param found what was found, each fact in a few words; for a skipped step the step that it
   *     needs, or why the check ended
   * @param remedies what to do about it, sentences or SQL; empty if there is nothing to do
   */
  public record Step(
      String name, Verdict verdict, Duration took, List<String> found, List<String> remedies) {
    /** Copies the lists. */
    public Step {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(verdict, "verdict");
      Objects.requireNonNull(took, "took");
      found = List.copyOf(found);
      remedies = List.copyOf(remedies);
    }
  }

  /** Whether no step failed; with warnings it passed. */
  public boolean passed() {
    return steps.stream().noneMatch(step -> step.verdict() == Verdict.FAILED);
  }

  /**
   * Turns a failed check into an exception.
   *
   * @return this report
   * @throws CheckFailedException if a step failed; its message names all that did, with what was
   *     found and the remedies
   */
  public CheckReport throwIfFailed() {
    if (!passed()) {
      throw new CheckFailedException(this);
    }
    return this;
  }

  /**
   * A table for a console: a line for each step with verdict, name, time and what was found;
   * remedies below, behind {@code ->}.
   */
  public String text() {
    int width = steps.stream().mapToInt(step -> step.name().length()).max().orElse(0);
    StringBuilder text = new StringBuilder();
    text.append("check of ").append(visible(source));
    if (sync != null) {
      text.append(" for ").append(visible(sync));
    }
    text.append(": ").append(summary()).append(", ").append(seconds(took));
    for (Step step : steps) {
      List<String> lines = new ArrayList<>(step.found());
      step.remedies().forEach(remedy -> lines.add("-> " + remedy));
      String head =
          String.format(
              Locale.ROOT,
              "%-7s  %-" + Math.max(1, width) + "s  %6s",
              step.verdict(),
              visible(step.name()),
              seconds(step.took()));
      text.append('\n').append(head);
      for (int i = 0; i < lines.size(); i++) {
        text.append(i == 0 ? "  " : "\n" + " ".repeat(head.length() + 2))
            .append(visible(lines.get(i)));
      }
    }
    return text.toString();
  }

  private String summary() {
    long failed = count(Verdict.FAILED);
    long warnings = count(Verdict.WARNING);
    if (failed > 0) {
      return "%s of %s steps failed".formatted(failed, steps.size());
    }
    return switch ((int) Math.min(warnings, 2)) {
      case 0 -> "passed";
      case 1 -> "passed, 1 warning";
      default -> "passed, %s warnings".formatted(warnings);
    };
  }

  private long count(Verdict verdict) {
    return steps.stream().filter(step -> step.verdict() == verdict).count();
  }

  private static String seconds(Duration duration) {
    return String.format(Locale.ROOT, "%.2f s", duration.toNanos() / 1e9);
  }

  /** In one line; names out of a catalog may hold anything. */
  static String visible(String text) {
    return CONTROL.matcher(LINE_BREAK.matcher(text).replaceAll(" ")).replaceAll("?");
  }

  /** {@link #text}. */
  @Override
  public String toString() {
    return text();
  }
}
