package io.fulmar;

import java.io.PrintStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A listener that shows runs to whoever sits at the console: one line per run. This class is
 * threadsafe and may listen to several syncs; it holds no resources and never closes its stream.
 *
 * <pre>{@code
 * Sync sync = Sync.builder("crm").model(customers).to(crm)
 *     .listener(ConsoleProgress.to(System.out))
 *     .build();
 * }</pre>
 *
 * <p>On a terminal the line is rewritten in place while the run goes on, and stays as it ended:
 *
 * <pre>
 * crm: reading, 1,200,000 rows, 410,000/s
 * crm: delivering, 45,000 of 120,000 (37 %), 9,200/s
 * crm: SUCCEEDED, 3,000,000 rows read, added 120,000, changed 0, removed 0, delivered 120,000 of 120,000, failed 0, 21.4 s
 * </pre>
 *
 * <p>Elsewhere (a file, a pipe, a build server) each of these is a line of its own, and a run that
 * goes on adds one at most every 5 seconds. A clear of the destination, a run that is found to have
 * died, a second reading and a late answer are lines of their own. It shows counts and the messages
 * of Fulmar's own errors, no values of rows.
 */
public final class ConsoleProgress implements RunListener {
  private static final long PLAIN_EVERY_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final int TERMINAL_COLUMNS = 79;

  /** How a line is replaced by the next. */
  enum Style {
    /** In place, for a terminal. */
    REWRITTEN,
    /** Not at all. */
    PLAIN
  }

  private final PrintStream out;
  private final Style style;
  private final LongSupplier nanoTime;
  private final Map<String, Course> courses = new HashMap<>();
  private int columnsInUse;

  ConsoleProgress(PrintStream out, Style style, LongSupplier nanoTime) {
    this.out = out;
    this.style = style;
    this.nanoTime = nanoTime;
  }

  /** A run that goes on. */
  private static final class Course {
    final long run;
    final long startedAt;
    long stepAt;
    long shownAt;

    Course(long run, long now) {
      this.run = run;
      startedAt = now;
      stepAt = now;
      shownAt = now;
    }
  }

  /**
   * Progress on a stream. Lines are rewritten in place if the stream is {@link System#out} or
   * {@link System#err}, the JVM has a terminal, and the environment variables {@code CI} and {@code
   * TERM=dumb} do not speak against it.
   *
   * @param out where to; never closed
   */
  public static ConsoleProgress to(PrintStream out) {
    Objects.requireNonNull(out, "out");
    boolean ofJvm = out == System.out || out == System.err;
    boolean terminal =
        ofJvm
            && hasTerminal()
            && System.getenv("CI") == null
            && !"dumb".equals(System.getenv("TERM"));
    return new ConsoleProgress(out, terminal ? Style.REWRITTEN : Style.PLAIN, System::nanoTime);
  }

  /** From Java 22 on there may be a console without a terminal, and a method that tells. */
  private static boolean hasTerminal() {
    Object console = System.console();
    if (console == null) {
      return false;
    }
    try {
      return (boolean) java.io.Console.class.getMethod("isTerminal").invoke(console);
    } catch (NoSuchMethodException e) {
      return true;
    } catch (ReflectiveOperationException e) {
      return false;
    }
  }

  @Override
  public synchronized void on(RunEvent event) {
    Objects.requireNonNull(event, "event");
    if (event instanceof RunEvent.AnsweredLate late) {
      line(late(late)); // belongs to no run that goes on, perhaps to one that has ended
      return;
    }
    long now = nanoTime.getAsLong();
    // A run that broke off, or planned alone, has no end; the next one takes its place.
    Course course =
        courses.compute(
            event.sync(),
            (sync, known) ->
                known != null && known.run == event.run() ? known : new Course(event.run(), now));
    if (event instanceof RunEvent.Recovered recovered) {
      line(
          text(
              "%s: run %d had died; %,d changes that it delivered are remembered, %,d are unsure",
              event.sync(), recovered.interruptedRun(), recovered.accepted(), recovered.unsure()));
      course.stepAt = now;
    } else if (event instanceof RunEvent.Reading reading) {
      show(course, now, reading(reading, now - course.stepAt));
    } else if (event instanceof RunEvent.ReadAgain again) {
      line(event.sync() + ": reading again. " + OneLine.of(again.error().getMessage()));
      course.stepAt = now;
    } else if (event instanceof RunEvent.Planned) {
      course.stepAt = now;
    } else if (event instanceof RunEvent.Clearing) {
      line(event.sync() + ": clearing the destination");
      course.stepAt = now;
    } else if (event instanceof RunEvent.Delivering delivering) {
      show(course, now, delivering(delivering, now - course.stepAt));
    } else if (event instanceof RunEvent.Ended ended) {
      courses.remove(event.sync());
      line(ended(ended.report(), now - course.startedAt));
    }
  }

  private static String reading(RunEvent.Reading event, long nanos) {
    return text("%s: reading, %,d rows%s", event.sync(), event.rows(), rate(event.rows(), nanos));
  }

  private static String delivering(RunEvent.Delivering event, long nanos) {
    long percent = event.planned() == 0 ? 100 : 100 * event.done() / event.planned();
    return text(
        "%s: delivering, %,d of %,d (%d %%)%s",
        event.sync(), event.done(), event.planned(), percent, rate(event.done(), nanos));
  }

  private static String late(RunEvent.AnsweredLate event) {
    String what = "%s: a call that run %d had left behind has ended (%s)";
    String carried =
        ": accepted %,d, skipped %,d, rejected %,d of %,d; what is remembered stays as it is";
    return text(what, event.sync(), event.run(), OneLine.of(event.what()))
        + (event.sent() == 0
            ? ""
            : text(carried, event.accepted(), event.skipped(), event.rejected(), event.sent()));
  }

  private static String ended(SyncReport report, long nanos) {
    ChangeSet set = report.changeSet();
    SyncReport.Counts total = report.total();
    StringBuilder line = new StringBuilder(report.sync() + ": " + report.status());
    if (set != null) {
      line.append(
          text(
              ", %,d rows read, added %,d, changed %,d, removed %,d, delivered %,d of %,d, failed %,d",
              set.rows(),
              report.counts(Operation.ADDED).planned(),
              report.counts(Operation.CHANGED).planned(),
              report.counts(Operation.REMOVED).planned(),
              total.succeeded(),
              total.planned(),
              total.failed()));
      if (set.held() > 0) {
        line.append(text(", held %,d", set.held()));
      }
      if (set.invalid() > 0) {
        line.append(text(", invalid %,d", set.invalid()));
      }
    }
    if (report.abandonedCalls() > 0) {
      line.append(text(", calls left behind %,d", report.abandonedCalls()));
    }
    line.append(text(", %.1f s", Duration.ofNanos(nanos).toMillis() / 1000.0));
    report.problem().ifPresent(problem -> line.append(". ").append(OneLine.of(problem)));
    return line.toString();
  }

  /** Nothing while there is too little to measure. */
  private static String rate(long count, long nanos) {
    long millis = TimeUnit.NANOSECONDS.toMillis(nanos);
    return millis < 100 || count == 0 ? "" : text(", %,d/s", count * 1000 / millis);
  }

  private static String text(String format, @Nullable Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }

  /** Shows what the next line may replace. */
  private void show(Course course, long now, String line) {
    if (style == Style.REWRITTEN) {
      String fitting = line.substring(0, Math.min(line.length(), TERMINAL_COLUMNS));
      out.print("\r" + fitting + " ".repeat(Math.max(0, columnsInUse - fitting.length())));
      out.flush();
      columnsInUse = fitting.length();
    } else if (now - course.shownAt >= PLAIN_EVERY_NANOS) {
      course.shownAt = now;
      line(line);
    }
  }

  /** Writes what stays. */
  private void line(String line) {
    if (columnsInUse > 0) {
      out.print("\r" + " ".repeat(columnsInUse) + "\r");
      columnsInUse = 0;
    }
    out.println(line);
    out.flush();
  }
}
