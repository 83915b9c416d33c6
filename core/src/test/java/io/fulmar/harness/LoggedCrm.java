package io.fulmar.harness;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/**
 * A destination that outlives the processes that call it: a file that gets a line when a call
 * begins and another one with all that became of it, durable before the answer. {@link CrmLog}
 * reads it. Threadsafe.
 */
public final class LoggedCrm implements Destination {
  /**
   * What becomes of changes, by key.
   *
   * @param rejects keys whose changes are rejected
   * @param skips keys whose changes are skipped
   * @param loses keys whose calls have their effect, and no answer
   */
  public record Mood(Set<Long> rejects, Set<Long> skips, Set<Long> loses) {
    /** Everything is accepted. */
    public static final Mood GOOD = new Mood(Set.of(), Set.of(), Set.of());

    /** Changes of these keys are rejected. */
    public static Mood rejecting(Long... keys) {
      return new Mood(Set.of(keys), Set.of(), Set.of());
    }

    /** And changes of these are skipped. */
    public Mood skipping(Long... keys) {
      return new Mood(rejects, Set.of(keys), loses);
    }

    /** And calls with these have their effect and no answer. */
    public Mood losing(Long... keys) {
      return new Mood(rejects, skips, Set.of(keys));
    }

    private CrmLog.Fate fate(long key) {
      return rejects.contains(key)
          ? CrmLog.Fate.REJECTED
          : skips.contains(key) ? CrmLog.Fate.SKIPPED : CrmLog.Fate.ACCEPTED;
    }
  }

  private final Path log;
  private final Clock clock;
  private final String identity;
  private final BooleanSupplier dead;
  private int calls;
  private Mood mood = Mood.GOOD;
  private volatile Runnable beforeAnswers = () -> {};

  /**
   * A destination.
   *
   * @param log the file, made if it is missing
   * @param clock dates the calls
   * @param identity see {@link #identity()}
   * @param dead whether the process that calls is dead, so that its calls have no effect
   */
  public LoggedCrm(Path log, Clock clock, String identity, BooleanSupplier dead) {
    this.log = log;
    this.clock = clock;
    this.identity = identity;
    this.dead = dead;
  }

  /** What becomes of further changes. */
  public synchronized void mood(Mood value) {
    mood = value;
  }

  /** Does something in each call, before it has an effect. */
  public void beforeAnswers(Runnable work) {
    beforeAnswers = work;
  }

  /** Notes where the process stands that calls. */
  public void step(String name) {
    write("step " + name);
    time();
  }

  /** Notes what time it is. */
  public void time() {
    write("time " + clock.millis());
  }

  /** Somebody else makes it hold a row. */
  public void put(long key, String value) {
    write("put " + key + " " + value);
  }

  /** Somebody else makes it hold a row no more. */
  public void take(long key) {
    write("take " + key);
  }

  private synchronized void write(String line) {
    if (dead.getAsBoolean()) {
      throw new IllegalStateException("the dead do not call");
    }
    try (FileChannel file =
        FileChannel.open(log, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      file.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)));
      file.force(false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Delivery call(RunContext run, Batch batch) {
    String number;
    Mood now;
    synchronized (this) {
      number = run.run() + "-" + ++calls;
      now = mood;
    }
    write(
        "call %s %d %d %s"
            .formatted(
                number,
                run.run(),
                clock.millis(),
                batch.changes().stream()
                    .map(LoggedCrm::describe)
                    .collect(Collectors.joining(" "))));
    beforeAnswers.run();
    boolean lost = batch.changes().stream().anyMatch(c -> now.loses().contains(id(c)));
    String fates =
        batch.changes().stream()
            .map(change -> now.fate(id(change)).name())
            .collect(Collectors.joining(" "));
    write((lost ? "lost " : "done ") + number + " " + fates);
    if (lost) {
      throw new IllegalStateException("the answer is lost");
    }
    Delivery.Builder answer = Delivery.acceptedExcept();
    for (Change change : batch.changes()) {
      switch (now.fate(id(change))) {
        case REJECTED -> answer.rejected(change, "BAD", "not today");
        case SKIPPED -> answer.skipped(change);
        case ACCEPTED -> {}
      }
    }
    return answer.build();
  }

  /** The key of a change, which is a bigint. */
  private static long id(Change change) {
    if (change.key().value("id") instanceof Long id) {
      return id;
    }
    throw new AssertionError("the key is no bigint");
  }

  private static String describe(Change change) {
    boolean removed = change.operation() == Operation.REMOVED;
    String value = removed ? "" : String.valueOf(change.row().value("v"));
    return String.join(
        ":",
        change.changeId(),
        change.operation().name(),
        Long.toString(id(change)),
        value.isEmpty() ? "-" : value);
  }

  @Override
  public String type() {
    return "crm";
  }

  @Override
  public String identity() {
    return identity;
  }

  @Override
  public Capabilities capabilities() {
    return Capabilities.builder().actions(EnumSet.allOf(Action.class)).canClear().build();
  }

  @Override
  public void clear(RunContext run) {
    write("clear");
  }

  @Override
  public Writer open(RunContext run) {
    return batch -> call(run, batch);
  }
}
