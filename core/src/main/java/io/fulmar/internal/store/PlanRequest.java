package io.fulmar.internal.store;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a plan is made for.
 *
 * @param kind what is asked
 * @param keys the only keys that are looked at, each as the texts of its columns; null for all
 */
public record PlanRequest(Kind kind, @Nullable List<List<String>> keys) {
  /** What changed since the destination last accepted it. */
  public static final PlanRequest RUN = new PlanRequest(Kind.RUN, null);

  /** Copies the list. */
  public PlanRequest {
    keys = keys == null ? null : List.copyOf(keys);
  }

  /** A request about all keys. */
  public static PlanRequest of(Kind kind) {
    return new PlanRequest(kind, null);
  }

  /** What is asked. */
  public enum Kind {
    /** What changed since the destination last accepted it. */
    RUN,
    /** Every valid row again, held ones too; what left the model stays as it is remembered. */
    RESYNC,
    /** Nothing is sent: the destination is taken to hold the present result. */
    RESET,
    /** Every valid row as added, into a destination that is cleared before. */
    FILL
  }
}
