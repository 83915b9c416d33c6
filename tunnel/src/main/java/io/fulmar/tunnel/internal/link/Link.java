package io.fulmar.tunnel.internal.link;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.tunnel.internal.ssh.Dial;
import io.fulmar.tunnel.internal.ssh.Route;
import io.fulmar.tunnel.internal.ssh.SshSession;
import io.fulmar.tunnel.internal.ssh.Traffic;
import io.fulmar.tunnel.internal.ssh.TunnelFailures;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An SSH connection that is made again whenever it is lost, by a thread of its own. Who wants the
 * connection waits for the attempt that is made for him and hears why it failed. This class is
 * threadsafe; whoever made it closes it.
 */
public final class Link implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.tunnel");
  private static final Duration MOST_BACKOFF = Duration.ofSeconds(30);

  /** When somebody waits for it, an attempt begins so soon after the last one began. */
  private static final Duration LEAST_BETWEEN = Duration.ofSeconds(1);

  /** A connection that stood for so long was no failure. */
  private static final Duration STABLE = Duration.ofSeconds(2);

  private static final Duration CLOSING = Duration.ofSeconds(5);

  /** What is done with each new connection before it counts as up, and while it is. */
  public interface Work {
    /** Nothing. */
    Work NONE = session -> {};

    /** Prepares a connection; what it throws ends it. */
    void prepare(SshSession session);

    /** Looks after a connection that is up; null if all is well. */
    default @Nullable TunnelException look(SshSession session) {
      return null;
    }

    /** How often to look; zero for never. */
    default Duration every() {
      return Duration.ZERO;
    }
  }

  private final Route route;
  private final Traffic traffic;
  private final Work work;
  private final Announcer announcer;
  private final Thread supervisor;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private TunnelState state = TunnelState.CONNECTING;
  private @Nullable SshSession session;
  private @Nullable TunnelException failure;
  private long begun;
  private long begunAt;
  private long failed;
  private boolean attempting;
  private int waiting;
  private int connections;
  private boolean closed;

  /**
   * Begins to connect.
   *
   * @param announcer tells on the threads of the link and of its users
   */
  public Link(Route route, Traffic traffic, Work work, Announcer announcer) {
    this.route = route;
    this.traffic = traffic;
    this.work = work;
    this.announcer = announcer;
    this.supervisor = daemon(this::supervise, "fulmar-tunnel-" + route.last().host());
    supervisor.start();
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  private void supervise() {
    Backoff backoff = new Backoff(MOST_BACKOFF, RandomGenerator.getDefault());
    Backoff flapping = new Backoff(STABLE, RandomGenerator.getDefault());
    try {
      while (!isClosed()) {
        SshSession made = attempt();
        if (made == null) {
          pause(backoff.next());
          continue;
        }
        long since = System.nanoTime();
        look(made);
        made.close();
        backoff.succeeded();
        if (System.nanoTime() - since < STABLE.toNanos()) {
          pause(flapping.next());
        } else {
          // The first attempt after a loss is made at once, unless losses follow each other.
          flapping.succeeded();
        }
      }
    } catch (InterruptedException e) {
      LOG.debug("tunnel={} ends", route.name());
    }
  }

  private boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  /** Waits, but not longer than a second after the last attempt if somebody wants a connection. */
  private void pause(Duration most) throws InterruptedException {
    long until = System.nanoTime() + most.toNanos();
    lock.lock();
    try {
      while (!closed) {
        boolean wanted = waiting > 0 && (failure == null || !failure.kind().isPermanent());
        long now = System.nanoTime();
        long left = until - now;
        if (wanted) {
          left = Math.min(left, begunAt + LEAST_BETWEEN.toNanos() - now);
        }
        if (left <= 0) {
          return;
        }
        changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** One attempt, on a thread of its own, because not all of what it waits for can be bounded. */
  private @Nullable SshSession attempt() throws InterruptedException {
    lock.lock();
    try {
      begun++;
      begunAt = System.nanoTime();
      attempting = true;
    } finally {
      lock.unlock();
    }
    Dial dial = new Dial(route, traffic);
    Attempt attempt = new Attempt(dial);
    Thread thread = daemon(attempt, "fulmar-tunnel-" + route.last().host() + "-dial");
    thread.start();
    try {
      thread.join(route.connectTimeout().toMillis());
      if (thread.isAlive()) {
        dial.abort();
        // What a closed socket does not wake ends with the time that sshj was given.
        thread.join(route.connectTimeout().toMillis());
      }
    } catch (InterruptedException e) {
      dial.abort();
      thread.interrupt();
      attempt.discard();
      thread.join(CLOSING.toMillis() / 2);
      throw e;
    }
    return attempt.settled();
  }

  private final class Attempt implements Runnable {
    private final Dial dial;
    private @Nullable SshSession made;
    private @Nullable TunnelException error;
    private boolean discarded;

    Attempt(Dial dial) {
      this.dial = dial;
    }

    @Override
    public void run() {
      SshSession session = null;
      try {
        session = dial.connect();
        work.prepare(session);
        finish(session, null);
      } catch (TunnelException e) {
        finish(null, e);
        closeQuietly(session);
      } catch (RuntimeException e) {
        finish(null, unexpected(e));
        closeQuietly(session);
      }
    }

    private TunnelException unexpected(RuntimeException e) {
      return new TunnelException(
          Kind.LOST,
          "connect to " + route.last().place(),
          "an unexpected error: " + e.getClass().getSimpleName(),
          "Look at the cause.",
          e);
    }

    private void finish(@Nullable SshSession session, @Nullable TunnelException e) {
      boolean late;
      synchronized (this) {
        made = session;
        error = e;
        late = discarded;
      }
      if (late) {
        closeQuietly(session);
      }
    }

    void discard() {
      SshSession left;
      synchronized (this) {
        discarded = true;
        left = made;
      }
      closeQuietly(left);
    }

    private @Nullable SshSession settled() {
      SshSession session;
      TunnelException why;
      synchronized (this) {
        session = made;
        why = error;
        discarded = session == null && why == null;
      }
      if (session == null) {
        failed(
            why != null
                ? why
                : new TunnelException(
                    Kind.NO_SSH,
                    "connect to " + route.last().place(),
                    "the attempt did not end within twice its %s ms"
                        .formatted(route.connectTimeout().toMillis()),
                    "Look at what listens there.",
                    null));
        return null;
      }
      up(session);
      return session;
    }
  }

  private static void closeQuietly(@Nullable SshSession session) {
    if (session != null) {
      session.close();
    }
  }

  private void failed(TunnelException why) {
    boolean news;
    lock.lock();
    try {
      attempting = false;
      failed = begun;
      news = failure == null || failure.kind() != why.kind();
      failure = why;
      announce(TunnelState.CONNECTING, why);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (news) {
      LOG.warn("tunnel={} state=CONNECTING {}", route.name(), why.getMessage());
    } else {
      LOG.debug("tunnel={} state=CONNECTING {}", route.name(), why.getMessage());
    }
    announcer.tell();
  }

  private void up(SshSession made) {
    lock.lock();
    try {
      attempting = false;
      session = made;
      failure = null;
      connections++;
      state = TunnelState.UP;
      announce(TunnelState.UP, null);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    LOG.info("tunnel={} state=UP connections={}", route.name(), connections());
    announcer.tell();
  }

  /** Until the connection ends; looks after it meanwhile. */
  private void look(SshSession made) throws InterruptedException {
    String end = null;
    while (end == null && !isClosed()) {
      Duration every = work.every();
      end = made.awaitEnd(every.isZero() ? Duration.ofDays(1) : every);
      if (end == null && !every.isZero()) {
        worked(work.look(made));
      }
    }
    lost(end == null ? "" : end);
  }

  private void lost(String why) {
    TunnelException cause =
        new TunnelException(
            Kind.LOST,
            "keep the connection to " + route.last().place(),
            "it was lost (" + why + ")",
            "It is made again by itself.",
            null);
    boolean closing;
    lock.lock();
    try {
      session = null;
      closing = closed;
      if (!closing) {
        state = TunnelState.CONNECTING;
        failure = cause;
      }
      announce(TunnelState.CONNECTING, cause);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (!closing) {
      LOG.warn("tunnel={} state=CONNECTING {}", route.name(), cause.getMessage());
    }
    announcer.tell();
  }

  /**
   * What came of something that was tried through the connection.
   *
   * @param problem what went wrong; null if it went well
   */
  public void worked(@Nullable TunnelException problem) {
    TunnelState now;
    lock.lock();
    try {
      if (session == null || closed) {
        return;
      }
      now = problem == null ? TunnelState.UP : TunnelState.DEGRADED;
      failure = problem;
      if (now == state) {
        return;
      }
      state = now;
      announce(now, problem);
    } finally {
      lock.unlock();
    }
    if (problem == null) {
      LOG.info("tunnel={} state=UP", route.name());
    } else {
      LOG.warn("tunnel={} state=DEGRADED {}", route.name(), problem.getMessage());
    }
    announcer.tell();
  }

  /** Under the lock, so that the order is that of the changes; nothing follows the end. */
  private void announce(TunnelState now, @Nullable TunnelException cause) {
    if (!closed) {
      announcer.add(now, cause);
    }
  }

  /**
   * The connection, waited for if need be.
   *
   * @param timeout bound on waiting
   * @throws TunnelException why there is none: what the attempt that was waited for failed with; at
   *     once, what the last attempt failed with, if that will not pass by itself
   */
  public SshSession session(Duration timeout) throws TunnelException, InterruptedException {
    lock.lock();
    waiting++;
    changed.signalAll();
    try {
      long left = nanos(timeout);
      long wanted = attempting ? begun : begun + 1;
      while (true) {
        String doing = "connect to " + route.last().place();
        SshSession there = session;
        if (closed) {
          throw new TunnelException(
              Kind.CLOSED,
              doing,
              "the tunnel is closed",
              "Open it again, or make a new engine.",
              null);
        }
        if (there != null && there.isUp()) {
          return there;
        }
        TunnelException last = failure;
        if (last != null
            && there == null
            && (failed >= wanted || (!attempting && last.kind().isPermanent()))) {
          throw TunnelFailures.again(last, doing);
        }
        if (left <= 0) {
          throw last != null
              ? TunnelFailures.again(last, doing)
              : new TunnelException(
                  Kind.UNREACHABLE,
                  doing,
                  "there was no SSH connection within %s ms".formatted(timeout.toMillis()),
                  "Raise connectTimeout, or look at the SSH server.",
                  null);
        }
        left = changed.awaitNanos(left);
      }
    } finally {
      waiting--;
      lock.unlock();
    }
  }

  /** As many as there can be; none if it is negative. */
  private static long nanos(Duration timeout) {
    Duration most = Duration.ofDays(365);
    return timeout.isNegative()
        ? 0
        : timeout.compareTo(most) > 0 ? most.toNanos() : timeout.toNanos();
  }

  /** How it is. */
  public TunnelState state() {
    lock.lock();
    try {
      return closed ? TunnelState.CLOSED : state;
    } finally {
      lock.unlock();
    }
  }

  /** What went wrong last; null if all is well. */
  public @Nullable TunnelException failure() {
    lock.lock();
    try {
      return failure;
    } finally {
      lock.unlock();
    }
  }

  /** How many SSH connections there were, one after the other. */
  public int connections() {
    lock.lock();
    try {
      return connections;
    } finally {
      lock.unlock();
    }
  }

  /** The state is CLOSED from now on; {@link #close} ends the rest. */
  void end() {
    lock.lock();
    try {
      announce(TunnelState.CLOSED, null);
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Ends the connection and everything in it. Returns when no thread is left, or after 5 s. */
  @Override
  public void close() {
    end();
    closeQuietly(takeSession());
    supervisor.interrupt();
    boolean interrupted = Thread.interrupted();
    long until = System.nanoTime() + CLOSING.toNanos();
    try {
      if (supervisor != Thread.currentThread()) {
        TimeUnit.NANOSECONDS.timedJoin(supervisor, CLOSING.toNanos());
      }
      LOG.debug("tunnel={} state=CLOSED", route.name());
      announcer.tell();
      announcer.awaitTold(until - System.nanoTime());
    } catch (InterruptedException e) {
      interrupted = true;
      announcer.tell();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private @Nullable SshSession takeSession() {
    lock.lock();
    try {
      SshSession open = session;
      session = null;
      return open;
    } finally {
      lock.unlock();
    }
  }
}
