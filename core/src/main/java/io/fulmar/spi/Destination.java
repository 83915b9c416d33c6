package io.fulmar.spi;

import io.fulmar.Action;
import java.util.EnumSet;
import java.util.Objects;

/**
 * Where changes go. An implementation is configuration and may be shared by several syncs; the work
 * is done by the {@link Writer}s that it opens. Must be threadsafe; never closed by Fulmar.
 *
 * <p>The simplest destination is a lambda:
 *
 * <pre>{@code
 * Destination crm = Destination.of("crm:contacts", batch -> {
 *   for (Change change : batch.changes()) {
 *     client.put(change.key().text("id"), change.row().asMap());
 *   }
 *   return Delivery.allAccepted();
 * });
 * }</pre>
 */
public interface Destination {

  /** What kind of destination this is, for logs and reports: {@code "salesforce"}. */
  String type();

  /**
   * Which one it is, without secrets: {@code "salesforce:00D3x/Contact"}. Kept with the state of a
   * sync; a destination of another identity is refused, because the state says what <em>this</em>
   * one has accepted.
   */
  String identity();

  /** What it can do and how much of it at once. */
  Capabilities capabilities();

  /**
   * Opens a writer for one lane of a run. It is used by one thread and closed by Fulmar.
   *
   * @param run the run
   * @throws Exception as {@link Writer#write}: nothing has been sent, so the run is tried again or
   *     FAILED
   */
  Writer open(RunContext run) throws Exception;

  /**
   * Removes every record that a sync has put here or may have put here. Called for {@link
   * io.fulmar.SyncEngine#clearAndFill} if the capabilities say {@link
   * Capabilities.Builder#canClear}, while no call of a writer of this sync is under way; again,
   * later, if it is not known to have worked. On an empty destination it does nothing.
   *
   * @param run the run; its lane is 0
   * @throws Exception as {@link Writer#write}: nothing is sent before a call has returned
   */
  default void clear(RunContext run) throws Exception {
    throw new UnsupportedOperationException(type() + " cannot be cleared");
  }

  /**
   * Looks whether the changes of a sync would get through: endpoint, credentials, columns,
   * constraints. Sends nothing, changes nothing and leaves nothing behind. Called for {@link
   * io.fulmar.SyncEngine#check(io.fulmar.Sync)}, also while runs are going on; its steps come last
   * in the report, their names behind {@code "destination "}. Default: no steps.
   *
   * @param sync what would be sent
   * @param steps takes each step with what it found
   * @throws Exception and the check has failed, with the name of its class
   */
  default void check(CheckContext sync, CheckSteps steps) throws Exception {
    // nothing is known of it that could be looked at
  }

  /**
   * A destination made of one function. It takes every action, batches of at most 1,000 rows and 4
   * MiB, and is called by one thread at a time.
   *
   * @param identity see {@link #identity}
   * @param writer called for each batch
   */
  static Destination of(String identity, Writer writer) {
    Objects.requireNonNull(writer, "writer");
    return of(
        identity,
        Capabilities.builder().actions(EnumSet.allOf(Action.class)).concurrency(1).build(),
        writer);
  }

  /**
   * A destination made of one function, which several threads may call at once if the capabilities
   * say so.
   *
   * @param identity see {@link #identity}
   * @param capabilities see {@link #capabilities}
   * @param writer called for each batch; not closed
   */
  static Destination of(String identity, Capabilities capabilities, Writer writer) {
    Objects.requireNonNull(identity, "identity");
    Objects.requireNonNull(capabilities, "capabilities");
    Objects.requireNonNull(writer, "writer");
    return new Destination() {
      @Override
      public String type() {
        return "function";
      }

      @Override
      public String identity() {
        return identity;
      }

      @Override
      public Capabilities capabilities() {
        return capabilities;
      }

      @Override
      public Writer open(RunContext run) {
        return writer::write;
      }
    };
  }
}
