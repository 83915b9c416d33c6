package io.fulmar.lightning.internal.database;

import java.sql.Array;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers of the server that a run waits for, which says nothing while it is at work: no silence of
 * the network tells how long that may take. So the driver waits for as long as a statement may run,
 * and whether the server is still at it is asked on another connection. This class is threadsafe.
 */
public final class Awaited {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  private final Set<Wait> waits = ConcurrentHashMap.newKeySet();

  /** A connection on which a run waits. */
  public final class Wait {
    private final int process;
    private final Duration silence;
    private final Runnable cut;
    private final long began = System.nanoTime();
    private boolean over;

    private Wait(int process, Duration silence, Runnable cut) {
      this.process = process;
      this.silence = silence;
      this.cut = cut;
    }

    private boolean isLong() {
      return System.nanoTime() - began > silence.toNanos();
    }

    private synchronized void cut() {
      if (!over) {
        over = true;
        LOG.debug("a connection on which no answer will come is cut");
        cut.run();
      }
    }

    /** Waits no more: the connection is not cut any more either. */
    public void end() {
      waits.remove(this);
      synchronized (this) {
        over = true;
      }
    }
  }

  /**
   * Begins to wait.
   *
   * @param process of the server
   * @param silence for so long nobody asks; if nothing came of it then, and the server is not at
   *     work, nothing will come any more
   * @param cut ends the connection, until the wait is over
   */
  public Wait begin(int process, Duration silence, Runnable cut) {
    Wait wait = new Wait(process, silence, cut);
    waits.add(wait);
    return wait;
  }

  /** Ends all that has lasted for long: the server is out of reach. */
  public void giveUp() {
    waits.stream().filter(Wait::isLong).forEach(Wait::cut);
  }

  /** Ends everything: it is of no use any more. */
  public void end() {
    waits.forEach(Wait::cut);
  }

  /**
   * Asks the server what it is doing, where something has lasted for long, and ends what it has
   * done already or knows nothing of.
   *
   * @param database asked
   * @param application shown in {@code pg_stat_activity}
   * @param about the tail of messages
   */
  public void look(Database database, String application, String about) throws SQLException {
    List<Wait> asked = waits.stream().filter(Wait::isLong).toList();
    if (asked.isEmpty()) {
      return;
    }
    Object[] processes = asked.stream().map(wait -> wait.process).toArray();
    Object[] silences = asked.stream().map(wait -> wait.silence.toMillis()).toArray();
    List<Integer> lost =
        Database.once(
            database.beginReading(application, about),
            transaction -> {
              Array numbers = transaction.connection().createArrayOf("int4", processes);
              Array millis = transaction.connection().createArrayOf("int8", silences);
              return transaction.list(
                  DatabaseSql.LOST_ANSWERS.sql(), row -> row.getInt(1), numbers, millis);
            });
    asked.stream().filter(wait -> lost.contains(wait.process)).forEach(Wait::cut);
  }
}
