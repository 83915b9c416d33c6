package io.fulmar.lightning.internal.state;

import io.fulmar.SourceException;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.lightning.internal.database.Database;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a lease last for as long as it is open, on a thread and a connection of its own, so that no
 * long statement of the run stands in the way. A beat every third of the lease; one that fails is
 * repeated soon. This class is threadsafe.
 */
final class Heartbeat implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");
  private static final int BEATS = 3;
  private static final int BEATS_AFTER_FAILURE = 12;
  private static final Duration LONGEST_GOODBYE = Duration.ofSeconds(2);

  private final Lease lease;
  private final Database database;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final CountDownLatch over = new CountDownLatch(1);

  private Heartbeat(Lease lease, Database database) {
    this.lease = lease;
    this.database = database;
  }

  /**
   * Begins; the first beat is due after a third of the lease.
   *
   * @param lease is made to last
   * @param database whose connections nobody else uses
   * @param settings threads
   */
  static Heartbeat of(Lease lease, Database database, RunnerSettings settings) {
    Heartbeat heartbeat = new Heartbeat(lease, database);
    settings.start(
        "fulmar-" + lease.sync() + "-lease",
        heartbeat::beat,
        escaped -> heartbeat.over.countDown());
    return heartbeat;
  }

  /**
   * A beat that waits for a lock gives way to the next one, and does not outlast its run by much.
   */
  static Duration lockTimeout(Duration lease) {
    Duration between = lease.dividedBy(BEATS_AFTER_FAILURE);
    return between.compareTo(LONGEST_GOODBYE) < 0 ? between : LONGEST_GOODBYE;
  }

  /** A beat that gets no answer gives way to another one, on another connection. */
  static Duration answer(Duration lease) {
    return lease.dividedBy(BEATS);
  }

  private void beat() {
    Duration wait = lease.duration().dividedBy(BEATS);
    try {
      while (!closing.await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
        boolean extended = isExtended();
        if (lease.isLost()) {
          lease.awaited().end();
          return;
        }
        if (!lease.isHeld()) {
          lease.awaited().giveUp();
        }
        if (!extended) {
          wait = lease.duration().dividedBy(BEATS_AFTER_FAILURE);
          continue;
        }
        wait = lease.duration().dividedBy(BEATS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isExtended() {
    try {
      lease.extend(database);
      lease.awaited().look(database, "fulmar " + lease.sync() + " lease", lease.about());
      return true;
    } catch (SQLException e) {
      LOG.debug("sync={} a heartbeat failed: {}", lease.sync(), SqlStates.code(e));
    } catch (SourceException e) {
      LOG.debug("sync={} a heartbeat failed: {}", lease.sync(), e.sqlState());
    }
    return false;
  }

  /** Beats no more; waits a moment for one that is under way. */
  @Override
  public void close() {
    closing.countDown();
    try {
      boolean ended = over.await(LONGEST_GOODBYE.toMillis(), TimeUnit.MILLISECONDS);
      if (!ended) {
        LOG.debug("sync={} a heartbeat is still waiting for the server", lease.sync());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
