package io.fulmar.internal.standard;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A destination that holds rows, tells repeated changes by their id, and answers as the test wants.
 * Threadsafe.
 */
final class Crm implements Destination {
  /** What a call does besides applying the batch. */
  interface Mood {
    Delivery answer(Batch batch, Runnable apply) throws Exception;
  }

  private final Map<Long, String> rows = new TreeMap<>();
  private final Map<String, String> applied = new HashMap<>();
  private final List<String> sent = new ArrayList<>();
  private final List<String> repeated = new ArrayList<>();
  private Mood mood = Crm::accept;

  static Delivery accept(Batch batch, Runnable apply) {
    apply.run();
    return Delivery.allAccepted();
  }

  synchronized void mood(Mood value) {
    mood = value;
  }

  synchronized Map<Long, String> rows() {
    return new TreeMap<>(rows);
  }

  /** What was sent since the last call: operation, key, value and attempt. */
  synchronized List<String> takeSent() {
    List<String> result = List.copyOf(sent);
    sent.clear();
    return result;
  }

  /** Changes that came again after they had been applied, since the last call. */
  synchronized List<String> takeRepeated() {
    List<String> result = List.copyOf(repeated);
    repeated.clear();
    return result;
  }

  /** Holds these rows from now on, however they came there. */
  synchronized void reset(Map<Long, String> lines) {
    rows.clear();
    rows.putAll(lines);
  }

  private synchronized void apply(Batch batch) {
    for (Change change : batch.changes()) {
      long id = id(change);
      String what = describe(change);
      String before = applied.put(change.changeId(), what);
      if (before != null) {
        repeated.add(what);
        if (!before.equals(what)) {
          throw new AssertionError("one id for two changes: " + before + " and " + what);
        }
      }
      if (change.operation() == Operation.REMOVED) {
        rows.remove(id);
      } else {
        rows.put(id, String.valueOf(change.row().value("v")));
      }
    }
  }

  static long id(Change change) {
    Object id = change.key().value("id");
    if (id instanceof Long number) {
      return number;
    }
    throw new AssertionError("the key is no bigint");
  }

  private static String describe(Change change) {
    return change.operation()
        + " "
        + change.key().value("id")
        + (change.operation() == Operation.REMOVED ? "" : "=" + change.row().value("v"));
  }

  @Override
  public String type() {
    return "crm";
  }

  @Override
  public String identity() {
    return "crm:contacts";
  }

  @Override
  public Capabilities capabilities() {
    return Capabilities.builder().actions(EnumSet.allOf(Action.class)).build();
  }

  @Override
  public Writer open(RunContext run) {
    return batch -> {
      Mood now;
      synchronized (this) {
        now = mood;
        batch.changes().forEach(change -> sent.add(describe(change)));
      }
      return now.answer(batch, () -> apply(batch));
    };
  }
}
