package io.fulmar.internal.check;

import io.fulmar.CheckReport.Step;
import io.fulmar.CheckReport.Verdict;
import io.fulmar.FulmarException;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.CheckSteps;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/** Steps that one thread takes one after the other, while another may end the check. Threadsafe. */
final class Section implements CheckSteps {
  private final Board board;
  private final String prefix;
  private final List<String> expected;
  private final List<Step> steps = new ArrayList<>();
  private @Nullable Running running;

  Section(Board board, String prefix, List<String> expected) {
    this.board = board;
    this.prefix = prefix;
    this.expected = List.copyOf(expected);
  }

  /** A step that has begun, and what it found so far. */
  private static final class Running implements Findings {
    final String name;
    final long began;
    final List<String> found = new ArrayList<>();
    final List<String> remedies = new ArrayList<>();
    Verdict verdict = Verdict.PASSED;

    Running(String name, long began) {
      this.name = name;
      this.began = began;
    }

    @Override
    public synchronized void found(String fact) {
      found.add(Objects.requireNonNull(fact, "fact"));
    }

    @Override
    public synchronized void warning(String fact, String remedy) {
      add(fact, remedy);
      if (verdict == Verdict.PASSED) {
        verdict = Verdict.WARNING;
      }
    }

    @Override
    public synchronized void failure(String fact, String remedy) {
      add(fact, remedy);
      verdict = Verdict.FAILED;
    }

    private void add(String fact, String remedy) {
      Objects.requireNonNull(remedy, "remedy");
      found(fact);
      String plain = remedy.endsWith(".") ? remedy.substring(0, remedy.length() - 1) : remedy;
      if (!remedies.contains(plain)) {
        remedies.add(plain);
      }
    }

    synchronized void broken(String fact) {
      found.add(fact);
      verdict = Verdict.FAILED;
    }

    synchronized Step step(long now) {
      return new Step(name, verdict, Duration.ofNanos(now - began), found, remedies);
    }
  }

  @Override
  public boolean step(String name, Look look) {
    Objects.requireNonNull(look, "look");
    Running step = new Running(prefix + Objects.requireNonNull(name, "name"), board.now());
    begin(step);
    try {
      look.look(step);
    } catch (Exception e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      step.broken(words(e));
    }
    return end(step);
  }

  @Override
  public boolean stepAfter(String needed, String name, Look look) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(look, "look");
    String before = prefix + Objects.requireNonNull(needed, "needed");
    Verdict verdict = board.verdict(before);
    if (verdict == null) {
      throw new IllegalArgumentException("needed must be an earlier step, is " + needed);
    }
    if (verdict == Verdict.PASSED || verdict == Verdict.WARNING) {
      return step(name, look);
    }
    add(skipped(prefix + name, "needs " + before));
    return false;
  }

  /** Fulmar's own messages hold neither secrets nor values; of others nobody knows. */
  private static String words(Exception e) {
    if (e instanceof SQLException sql) {
      return "a statement failed (sqlstate=%s)".formatted(SqlStates.code(sql));
    }
    boolean ours =
        e instanceof FulmarException
            || e instanceof StopRunException
            || e instanceof NotAppliedException
            || e instanceof BatchRejectedException;
    String message = e.getMessage();
    return ours && message != null ? message : "it threw " + e.getClass().getName();
  }

  private static Step skipped(String name, String why) {
    return new Step(name, Verdict.SKIPPED, Duration.ZERO, List.of(why), List.of());
  }

  private synchronized void begin(Running step) {
    checkGoesOn();
    running = step;
  }

  private synchronized boolean end(Running step) {
    checkGoesOn();
    running = null;
    Step done = step.step(board.now());
    steps.add(done);
    return done.verdict() != Verdict.FAILED;
  }

  private synchronized void add(Step step) {
    checkGoesOn();
    steps.add(step);
  }

  /** Ends the thread of a check whose report has been given. */
  private void checkGoesOn() {
    if (board.isEnded()) {
      throw new CancellationException("the check is over");
    }
  }

  synchronized List<Step> steps() {
    return List.copyOf(steps);
  }

  /** What has not ended says why; returns whether a step was under way, which has failed by it. */
  synchronized boolean end(String why) {
    Running cut = running;
    running = null;
    if (cut != null) {
      cut.broken(why);
      steps.add(cut.step(board.now()));
    }
    for (String name : expected) {
      if (steps.stream().noneMatch(step -> step.name().equals(name))) {
        steps.add(skipped(name, why));
      }
    }
    return cut != null;
  }

  @Override
  public Duration remaining() {
    return board.remaining();
  }
}
