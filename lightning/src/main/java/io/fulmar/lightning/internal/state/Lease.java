package io.fulmar.lightning.internal.state;

import dev.failsafe.Failsafe;
import dev.failsafe.FailsafeException;
import dev.failsafe.RetryPolicy;
import dev.failsafe.function.CheckedSupplier;
import io.fulmar.AlreadyRunningException;
import io.fulmar.SourceException;
import io.fulmar.StateException;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.sql.SqlTemplate;
import io.fulmar.lightning.internal.database.Awaited;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Patience;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.database.Work;
import io.fulmar.lightning.internal.schema.Obstacles;
import io.fulmar.lightning.internal.schema.Schemas;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * The right to run one sync, for a while. It is a row in the database: whoever holds it makes it
 * last longer by heartbeats, and whoever finds it expired takes it over under a higher token. Each
 * transaction that writes holds the row by its token, so a holder that was stopped and comes back
 * writes nothing over its successor. By its own measure of time a holder stops a sixth of the lease
 * before the server lets another one in. This class is threadsafe.
 */
public final class Lease {
  /** A holder stops this part of the lease before it ends. */
  private static final int MARGIN = 6;

  private static final int TRIES = 4;
  private static final Duration FIRST_DELAY = Duration.ofMillis(200);
  private static final Duration LONGEST_DELAY = Duration.ofSeconds(5);

  private final Database database;
  private final Schemas schemas;
  private final String sync;
  private final Duration duration;
  private final LongSupplier nanoTime;
  private final Patience patience;
  private final Awaited awaited = new Awaited();
  private final long token;
  private final long before;
  private volatile long ends;
  private volatile long run;
  private volatile boolean lost;
  private volatile boolean refused; // user or password: asking again locks the role out
  private volatile String application = "fulmar";
  private volatile String about;

  /** Whoever has a sync at the moment. */
  private record Holder(String owner, Instant until, boolean isActive, long token, long run) {}

  private Lease(
      Database database,
      Schemas schemas,
      String sync,
      Duration duration,
      LongSupplier nanoTime,
      Patience patience,
      long token,
      long before,
      long began) {
    this.database = database;
    this.schemas = schemas;
    this.sync = sync;
    this.duration = duration;
    this.nanoTime = nanoTime;
    this.patience = patience;
    this.token = token;
    this.before = before;
    this.ends = end(began);
    this.about = "[sync=" + sync + "]";
  }

  private long end(long began) {
    return began + duration.toNanos() - duration.toNanos() / MARGIN;
  }

  /**
   * Takes the lease of a sync, in a transaction that the caller commits.
   *
   * @param database where later transactions go
   * @param transaction READ COMMITTED
   * @param schemas where the tables are
   * @param sync its name
   * @param owner who takes it, as others are told; another one for each claim
   * @param duration how long it lasts without a heartbeat
   * @param nanoTime measures time
   * @param patience for locks
   * @throws AlreadyRunningException if somebody has it
   */
  static Lease take(
      Database database,
      Transaction transaction,
      Schemas schemas,
      String sync,
      String owner,
      Duration duration,
      LongSupplier nanoTime,
      Patience patience)
      throws SQLException {
    long began = nanoTime.getAsLong();
    Optional<Holder> before = holder(transaction, schemas, sync);
    if (before.isPresent() && before.get().isActive()) {
      Holder holder = before.get();
      if (holder.owner().equals(owner)) {
        // The answer to the commit that gave it was lost, and time has passed since.
        transaction.update(
            LeaseSql.EXTEND.with("leases", schemas.leases()).sql(),
            duration.toMillis(),
            sync,
            holder.token());
        return new Lease(
            database,
            schemas,
            sync,
            duration,
            nanoTime,
            patience,
            holder.token(),
            holder.run(),
            began);
      }
      throw running(sync, holder);
    }
    Optional<Long> token;
    try {
      token =
          transaction.first(
              LeaseSql.TAKE.with("leases", schemas.leases()).sql(),
              row -> row.getLong(1),
              sync,
              owner,
              duration.toMillis(),
              duration.toMillis());
    } catch (SQLException e) {
      if (SqlStates.isLockTimeout(e)) {
        throw new AlreadyRunningException(
            "Cannot run %s: its lease has expired, but a transaction of its last runner (%s) is still open. It ends when that runner goes on or the server notices that it is gone (idle_in_transaction_session_timeout); run again then. [sync=%s]"
                .formatted(sync, before.map(Holder::owner).orElse("unknown"), sync),
            e);
      }
      throw e;
    }
    if (token.isEmpty()) {
      throw running(sync, holder(transaction, schemas, sync).orElseThrow());
    }
    long run = before.map(Holder::run).orElse(0L);
    return new Lease(
        database, schemas, sync, duration, nanoTime, patience, token.get(), run, began);
  }

  /** Whether a sync of this name has ever been claimed, and not forgotten. */
  static boolean exists(Transaction transaction, Schemas schemas, String sync) throws SQLException {
    return holder(transaction, schemas, sync).isPresent();
  }

  private static Optional<Holder> holder(Transaction transaction, Schemas schemas, String sync)
      throws SQLException {
    return transaction.first(
        LeaseSql.READ.with("leases", schemas.leases()).sql(),
        row ->
            new Holder(
                row.getString(1),
                row.getObject(2, OffsetDateTime.class).toInstant(),
                row.getBoolean(3),
                row.getLong(4),
                row.getLong(5)),
        sync);
  }

  private static AlreadyRunningException running(String sync, Holder holder) {
    return new AlreadyRunningException(
        "Cannot run %s: %s is running it; if that has died, its lease ends at %s. Wait for it, or cancel it there. [sync=%s]"
            .formatted(sync, holder.owner(), holder.until().truncatedTo(ChronoUnit.SECONDS), sync));
  }

  /** From here on transactions and messages are those of a run. */
  void of(String application, String about) {
    this.application = application;
    this.about = about;
  }

  /**
   * Number of the run whose lease this was before, if that did not give it back, so its process has
   * died or was cut off; 0 for none.
   */
  long before() {
    return before;
  }

  /**
   * Notes which run it is for, in a transaction that holds it: {@link #before} is settled.
   *
   * @param number of the run; 0 for something else than a run
   */
  void isFor(Transaction transaction, long number) throws SQLException {
    run = number;
    transaction.update(LeaseSql.RUN.with("leases", schemas.leases()).sql(), number, sync, token);
  }

  /** Grows with each runner of the sync. */
  public long token() {
    return token;
  }

  /** How long it lasts without a heartbeat. */
  public Duration duration() {
    return duration;
  }

  /** What transactions of the run are called in {@code pg_stat_activity}. */
  public String application() {
    return application;
  }

  /** The tail of messages: {@code [sync=crm run=1]}. */
  public String about() {
    return about;
  }

  /**
   * Does nothing while the lease is held and does not end soon.
   *
   * @throws StateException if it is lost, or so long without a heartbeat that another runner may
   *     take it
   */
  public void check() {
    if (lost) {
      throw fencedOff();
    }
    if (ends - nanoTime.getAsLong() <= 0) {
      throw new StateException(
          "Cannot go on with %s: the lease was not extended for %s s, so another runner may have taken over. Look at what kept this process from the database; what was accepted and noted is remembered, the next run goes on. %s"
              .formatted(sync, duration.toSeconds(), about));
    }
  }

  private StateException fencedOff() {
    return new StateException(
        "Cannot write the state of %s: another runner has taken over after the lease of this one had ended. Look at what kept this process from the database; that runner goes on with what was noted. %s"
            .formatted(sync, about));
  }

  /**
   * Holds the lease until the transaction ends: nobody takes over before. The first statement of
   * every transaction that writes, of whatever isolation level.
   *
   * @throws StateException if another runner has taken over
   */
  public void fence(Transaction transaction) throws SQLException {
    if (!isHeld(transaction)) {
      throw lost();
    }
  }

  /** As {@link #fence}, and says whether it is held. */
  boolean isHeld(Transaction transaction) throws SQLException {
    return isHeld(transaction, LeaseSql.FENCE);
  }

  private boolean isHeld(Transaction transaction, SqlTemplate how) throws SQLException {
    return transaction
        .first(how.with("leases", schemas.leases()).sql(), row -> row.getLong(1), sync, token)
        .isPresent();
  }

  /** The statement of {@link #fence}, for a session: binds the sync's name and the token. */
  public String fenceSql() {
    return LeaseSql.FENCE.with("leases", schemas.leases()).sql();
  }

  /** A fence found another token: from here on every {@link #check} fails. */
  public StateException lost() {
    lost = true;
    return fencedOff();
  }

  /** Name of the sync. */
  public String sync() {
    return sync;
  }

  /**
   * Makes it last longer.
   *
   * @param beats where heartbeats go
   */
  void extend(Database beats) throws SQLException {
    long began = nanoTime.getAsLong();
    boolean held =
        Database.once(
            beats.begin("fulmar " + sync + " lease", about),
            transaction ->
                transaction.update(
                        LeaseSql.EXTEND.with("leases", schemas.leases()).sql(),
                        duration.toMillis(),
                        sync,
                        token)
                    > 0);
    if (held) {
      ends = end(began);
    } else {
      lost = true;
    }
  }

  /** Whether it is held, does not end soon, and the server lets the role in. */
  boolean isHeld() {
    return !lost && !refused && ends - nanoTime.getAsLong() > 0;
  }

  boolean isLost() {
    return lost;
  }

  /**
   * Does something in a transaction that holds the lease, and commits it; again, if what went wrong
   * may pass: for as long as the lease lasts if the server is away, some times if it refuses. So it
   * must be something that can be done twice, if the answer to a commit was lost.
   *
   * @param doing what could not be done if it fails: {@code "note the end of crm"}
   * @param work what is done
   * @throws StateException if it cannot be done, or the lease is lost
   */
  public <T> T steadily(String doing, Work<T> work) {
    return steadily(doing, () -> true, work);
  }

  private <T> T steadily(String doing, BooleanSupplier wanted, Work<T> work) {
    return repeated(
        doing,
        wanted,
        () ->
            Database.once(
                database.begin(application, about),
                begun ->
                    patience.during(
                        begun,
                        transaction -> {
                          fence(transaction);
                          return work.in(transaction);
                        })));
  }

  /**
   * As {@link #steadily}, once every other transaction that held the lease has ended: what one of
   * them was committing when the connection broke is there or never will be.
   *
   * @param doing what could not be done if it fails
   * @param work what is done
   */
  public <T> T alone(String doing, Work<T> work) {
    return repeated(
        doing,
        () ->
            Database.once(
                database.begin(application, about),
                begun ->
                    patience.during(
                        begun,
                        transaction -> {
                          if (!isHeld(transaction, LeaseSql.HOLD_ALONE)) {
                            throw lost();
                          }
                          return work.in(transaction);
                        })));
  }

  /**
   * Reads something in a transaction that writes nothing, again as {@link #steadily}. It does not
   * hold the lease: what is read counts for nothing until something that holds it is written.
   *
   * @param doing what could not be done if it fails: {@code "go on delivering crm"}
   * @param work what is read
   * @throws StateException if it cannot be read, or the lease is lost
   */
  public <T> T reading(String doing, Work<T> work) {
    return reading(doing, () -> true, work);
  }

  /**
   * As {@link #reading(String, Work)}, while somebody wants to know.
   *
   * @param wanted asked before it is tried again
   */
  public <T> T reading(String doing, BooleanSupplier wanted, Work<T> work) {
    return repeated(
        doing,
        wanted,
        () ->
            Database.onceReading(
                database.beginReading(application, about), begun -> patience.during(begun, work)));
  }

  /** As {@link #steadily}, for work at which the server may be for long without saying so. */
  public <T> T atLength(String doing, Work<T> work) {
    return atLength(doing, () -> true, work);
  }

  /**
   * As {@link #atLength(String, Work)}, while somebody wants it.
   *
   * @param wanted asked before it is tried again
   */
  <T> T atLength(String doing, BooleanSupplier wanted, Work<T> work) {
    return steadily(doing, wanted, transaction -> database.atLength(transaction, awaited, work));
  }

  /** What the run waits for, and no heartbeat does. */
  public Awaited awaited() {
    return awaited;
  }

  private <T> T repeated(String doing, CheckedSupplier<T> attempt) {
    return repeated(doing, () -> true, attempt);
  }

  private <T> T repeated(String doing, BooleanSupplier wanted, CheckedSupplier<T> attempt) {
    Failures failures = new Failures();
    RetryPolicy<Object> policy =
        RetryPolicy.builder()
            .withBackoff(FIRST_DELAY, LONGEST_DELAY)
            .withJitter(0.2)
            .withMaxAttempts(-1)
            .handleIf(e -> wanted.getAsBoolean() && !patience.isOver() && failures.mayRepeat(e))
            .build();
    try {
      return Failsafe.with(policy)
          .get(
              () -> {
                check();
                return attempt.get();
              });
    } catch (FailsafeException e) {
      Throwable cause = e.getCause();
      if (cause instanceof SQLException sql && patience.isOver()) {
        throw cutOff(doing, sql);
      }
      if (cause instanceof SQLException sql) {
        throw Obstacles.exception(doing, sql, database, schemas, about);
      }
      if (cause instanceof InterruptedException) {
        Thread.currentThread().interrupt();
        throw new StateException(
            "Cannot %s: it was interrupted while the server was away. What was accepted and noted is remembered, the next run goes on. %s"
                .formatted(doing, about),
            cause);
      }
      throw e;
    } catch (SourceException e) {
      if (e.getCause() instanceof SQLException why && !SqlStates.isOfConnection(e.sqlState())) {
        this.refused = true;
        throw SqlStates.stateException(doing, why, about);
      }
      throw new StateException(
          "Cannot %s: the server was away for longer than the lease allows. What was accepted and noted is remembered, the next run goes on. %s"
              .formatted(doing, about),
          e);
    }
  }

  private StateException cutOff(String doing, SQLException e) {
    return new StateException(
        "Cannot %s: it was asked to stop, and what others hold in the database was not to be had within the grace (Builder.grace). What was accepted and noted is remembered, the next run goes on. %s"
            .formatted(doing, about),
        e);
  }

  /**
   * How something has failed so far. While nothing is heard of the server, what counts is the time
   * since the first failure: an attempt may take longer than a lease, of which heartbeats take
   * care. What the server ends after a long time, it would end again.
   */
  private final class Failures {
    private final long began = nanoTime.getAsLong();
    private int refused;
    private boolean any;
    private long since;

    boolean mayRepeat(Throwable e) {
      long now = nanoTime.getAsLong();
      since = any ? since : now;
      any = true;
      return isHeld() && now - since < duration.toNanos() && isWorthRepeating(e, now);
    }

    private boolean isWorthRepeating(Throwable e, long now) {
      if (e instanceof SourceException source) {
        return SqlStates.isOfConnection(source.sqlState());
      }
      if (e instanceof SQLException sql) {
        String state = SqlStates.codeOrNull(sql);
        return SqlStates.isOfConnection(state)
            || (SqlStates.isWorthRepeating(state)
                && ++refused < TRIES
                && now - began < duration.toNanos());
      }
      return false;
    }
  }

  /** Gives it back, so that the next run need not wait until it ends. */
  void release() throws SQLException {
    lost = true;
    Database.once(
        database.begin("fulmar " + sync + " lease", about),
        begun ->
            patience.during(
                begun,
                transaction ->
                    transaction.update(
                        LeaseSql.RELEASE.with("leases", schemas.leases()).sql(),
                        run,
                        sync,
                        token)));
  }
}
