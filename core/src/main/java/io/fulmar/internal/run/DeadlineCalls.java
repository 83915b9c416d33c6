package io.fulmar.internal.run;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The calls of a run into its destination, each with the deadline of the sync. A call runs on the
 * thread that makes it, so that it costs nothing more; somebody else has to {@link #look} now and
 * then. A call that is about to pass its deadline is interrupted; one that does not heed that is
 * left behind together with its thread. This class is threadsafe.
 */
final class DeadlineCalls {
  /** How often to look, in milliseconds. */
  static final long LOOK_MILLIS = 100;

  /** So long before its deadline a call is interrupted, or a tenth of the deadline if less. */
  private static final Duration REACTION = Duration.ofSeconds(1);

  /** A batch, the same again, and its two halves: then it is not for one of its changes. */
  private static final int IN_A_ROW = 4;

  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  private final RunScope scope;
  private final RunnerSettings settings;
  private final Tally tally;
  private final Duration deadline;
  private final long reactionNanos;
  private final Set<Caller> callers = ConcurrentHashMap.newKeySet();
  private int passedInARow;

  DeadlineCalls(RunScope scope, RunnerSettings settings, Tally tally) {
    this.scope = scope;
    this.settings = settings;
    this.tally = tally;
    this.deadline = scope.sync().callDeadline();
    this.reactionNanos = Math.min(REACTION.toNanos(), deadline.toNanos() / 10);
  }

  /** What a call is for. */
  enum Kind {
    /** It sends changes; that it ends by itself shows that the destination answers. */
    WRITE,
    /** Anything else: a destination may open well and hang on every write. */
    OTHER
  }

  /** Hears what a call that was left behind came to in the end, on its own thread. */
  interface Late<T> {
    /**
     * The call is over.
     *
     * @param answer what it returned; null if it threw
     * @param thrown what it threw; null if it returned
     */
    void ended(@Nullable T answer, @Nullable Throwable thrown);
  }

  /**
   * Tells a thread that it was left behind: whatever it worked on belongs to another thread now. To
   * be let through to the end of the thread.
   */
  static final class LeftBehindException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final LeftBehindException INSTANCE = new LeftBehindException();

    private LeftBehindException() {
      super("this thread was left behind", null, false, false);
    }
  }

  /** The call heeded the interrupt that came with its deadline, and gave no answer. */
  static final class PassedDeadlineException extends Exception {
    private static final long serialVersionUID = 1L;

    private PassedDeadlineException(Throwable cause) {
      super("the call passed its deadline", cause);
    }
  }

  /** What became of a call. */
  sealed interface Called<T> {
    /** It returned. */
    record Answered<T>(@Nullable T answer) implements Called<T> {}

    /** It threw. */
    record Threw<T>(Throwable thrown) implements Called<T> {}

    /** It gave no answer within its deadline, or within the grace of a run that was stopped. */
    record PassedDeadline<T>() implements Called<T> {}
  }

  /**
   * Makes calls for one thread at a time.
   *
   * @param leftBehind called by who looks, once, when a call is left behind
   */
  Caller caller(Runnable leftBehind) {
    return new Caller(leftBehind);
  }

  /**
   * Makes one call on a thread of its own and waits for it.
   *
   * @param name of the thread
   * @param call what to do
   * @param late hears what became of the call if it was left behind
   */
  <T> Called<T> onThread(String name, Callable<T> call, Late<T> late) {
    AtomicReference<Called<T>> called = new AtomicReference<>(new Called.PassedDeadline<>());
    CountDownLatch over = new CountDownLatch(1);
    Caller caller = caller(over::countDown);
    Runnable task =
        () -> {
          scope.describe();
          try {
            called.set(new Called.Answered<>(caller.call(Kind.OTHER, call, late)));
          } catch (LeftBehindException | PassedDeadlineException e) {
            // it is noted as such from the beginning
          } catch (Exception | Error e) {
            called.set(new Called.Threw<>(e));
          } finally {
            RunScope.undescribe();
          }
        };
    settings.start(
        name,
        task,
        escaped -> {
          if (escaped != null && !caller.isLeftBehind()) {
            called.set(new Called.Threw<>(escaped));
          }
          over.countDown();
        });
    boolean interrupted = false;
    while (over.getCount() > 0) {
      try {
        if (!over.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
          look();
        }
      } catch (InterruptedException e) {
        interrupted = true;
        scope.stop(new RunScope.Stop.Cancelled());
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return called.get();
  }

  /**
   * Interrupts and leaves behind what has to be; to be called every {@link #LOOK_MILLIS}.
   *
   * @return whether a call is under way, or was left behind just now
   */
  boolean look() {
    boolean any = false;
    for (Caller caller : callers) {
      any |= caller.look();
    }
    return any;
  }

  /** A call ended by itself, or passed its deadline; too many of these in a row end the run. */
  private synchronized void passed(boolean deadlinePassed) {
    passedInARow = deadlinePassed ? passedInARow + 1 : 0;
    if (passedInARow == IN_A_ROW) {
      String why = "%s calls in a row passed their deadline of %s (Sync.Builder.callDeadline)";
      scope.stop(new RunScope.Stop.Failed(why.formatted(IN_A_ROW, deadline), null));
    }
  }

  /** Makes calls, one after the other. What it says of a call is said under its lock. */
  final class Caller {
    private final Runnable leftBehind;
    private @Nullable Thread calling;
    private long began;
    private long cutAt;
    private boolean cut;
    private boolean cutByDeadline;
    private boolean left;

    private Caller(Runnable leftBehind) {
      this.leftBehind = leftBehind;
    }

    synchronized boolean isLeftBehind() {
      return left;
    }

    /**
     * Makes a call on this thread.
     *
     * @throws LeftBehindException if it took so long that the thread was left behind
     * @throws PassedDeadlineException if it heeded the interrupt that came with its deadline
     * @throws Exception what the call throws
     */
    <T> T call(Kind kind, Callable<T> call, Late<? super T> late) throws Exception {
      begin();
      T answer;
      try {
        answer = call.call();
      } catch (Throwable e) {
        if (!end(kind, false)) {
          throw tooLate(late, null, e);
        }
        if (cutByDeadline && e instanceof InterruptedException) {
          throw new PassedDeadlineException(e);
        }
        throw e;
      }
      if (!end(kind, true)) {
        throw tooLate(late, answer, null);
      }
      return answer;
    }

    private static <T> LeftBehindException tooLate(
        Late<? super T> late, @Nullable T answer, @Nullable Throwable thrown) {
      try {
        late.ended(answer, thrown);
      } catch (RuntimeException | Error e) {
        LOG.warn("a late answer could not be told: {}", e.getClass().getName());
      }
      return LeftBehindException.INSTANCE;
    }

    private void begin() {
      synchronized (this) {
        calling = Thread.currentThread();
        began = settings.nanoTime().getAsLong();
        cut = false;
        cutByDeadline = false;
      }
      callers.add(this);
    }

    /** False if the thread was left behind. An interrupt that was meant for the call ends here. */
    private boolean end(Kind kind, boolean answered) {
      callers.remove(this);
      synchronized (this) {
        if (left) {
          return false;
        }
        calling = null;
        if (cut) {
          Thread.interrupted();
        }
      }
      if (cutByDeadline && !answered) {
        passed(true);
      } else if (kind == Kind.WRITE) {
        passed(false);
      }
      return true;
    }

    private boolean look() {
      synchronized (this) {
        Thread thread = calling;
        if (thread == null || left) {
          return false;
        }
        long now = settings.nanoTime().getAsLong();
        if (!cut) {
          cutByDeadline = now - began >= deadline.toNanos() - reactionNanos;
          cut = cutByDeadline || scope.nanosSinceStop() >= settings.grace().toNanos();
          if (cut) {
            cutAt = now;
            thread.interrupt();
          }
        }
        if (!cut || now - cutAt < reactionNanos) {
          return true;
        }
        left = true;
        thread.setName(thread.getName() + "-abandoned");
      }
      callers.remove(this);
      tally.leftBehind();
      if (cutByDeadline) {
        passed(true);
      }
      leftBehind.run();
      return true;
    }
  }
}
