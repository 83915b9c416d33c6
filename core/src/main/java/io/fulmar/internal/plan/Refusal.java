package io.fulmar.internal.plan;

import io.fulmar.ConfigurationException;
import io.fulmar.StateException;
import io.fulmar.Sync;

/** Why a state cannot be used for a sync as it is now: the words are those of every engine. */
public final class Refusal {
  private Refusal() {}

  /**
   * The state is that of another destination.
   *
   * @param sync as it is now
   * @param identity of the destination of the state
   */
  public static StateException destination(Sync sync, String identity) {
    return new StateException(
        "Cannot run %s: its state says what %s has accepted, and the destination now is %s. If it is the same under another name, rebind the sync; else give a sync to another destination another name. [sync=%s]"
            .formatted(sync.name(), identity, sync.destination().identity(), sync.name()));
  }

  /** The state was to begin with what the destination holds, and that did not end. */
  public static StateException beginning(Sync sync) {
    return new StateException(
        "Cannot run %s: it was to begin with what the destination holds, and that did not end. Initialise it again. [sync=%s]"
            .formatted(sync.name(), sync.name()));
  }

  /**
   * A newer revision of the sync has run.
   *
   * @param sync as it is now
   * @param seen newest revision
   */
  public static ConfigurationException revision(Sync sync, long seen) {
    return new ConfigurationException(
        "Cannot run %s: this is revision %s of it, and revision %s has run. Stop the old version of the application, or raise the revision. [sync=%s]"
            .formatted(sync.name(), sync.revision(), seen, sync.name()));
  }

  /**
   * A key was given that has another number of columns.
   *
   * @param model name of the model
   * @param given how many columns were given
   * @param columns how many the key has
   * @param about the tail of the message
   */
  public static ConfigurationException columns(String model, int given, int columns, String about) {
    return new ConfigurationException(
        "Cannot look at a key of %s: %s columns were given, and the key has %s. Give the columns of the key in its order. %s"
            .formatted(model, given, columns, about));
  }

  /**
   * A text was given that is no value of the key. There is no cause, which would quote the text.
   *
   * @param model name of the model
   * @param key names and types of its columns
   * @param about the tail of the message
   */
  public static ConfigurationException value(String model, String key, String about) {
    return new ConfigurationException(
        "Cannot look at a key of %s: what was given is no value of the key (%s). Give the columns of the key in its order, as their values or as PostgreSQL's text. %s"
            .formatted(model, key, about));
  }

  /**
   * What is remembered is remembered by another key.
   *
   * @param sync as it is now
   * @param run its number
   * @param before the key of the state
   * @param now the key of the model
   */
  public static ConfigurationException key(Sync sync, long run, String before, String now) {
    return new ConfigurationException(
        "Cannot run %s: its key was (%s) and now is (%s), so what is remembered no longer fits. Go back to that key; or reset the sync, if the destination holds the present rows under the new key; or clear and fill it. [sync=%s run=%s]"
            .formatted(sync.name(), before, now, sync.name(), run));
  }
}
