package io.fulmar.internal.plan;

import io.fulmar.Removal;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.mapping.MappingSignature;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.store.Definitions;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.Rules;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a plan was made under, as far as that decides whether it may still be delivered. Immutable.
 *
 * @param stateVersion that of the state
 * @param destination its identity
 * @param mode that of the sync
 * @param removal that of the sync
 * @param request what it was made for
 * @param fingerprint of the model, as it was read
 * @param definition that of the sync
 * @param madeAt when, in milliseconds since 1970
 */
public record PlanTerms(
    long stateVersion,
    String destination,
    SyncMode mode,
    Removal removal,
    PlanRequest.Kind request,
    String fingerprint,
    Map<String, String> definition,
    long madeAt) {
  /**
   * Why a stored plan cannot be delivered any more; null if it can.
   *
   * @param sync as it is now
   * @param version that of the state now
   * @param clearing whether a clear of the destination was begun and has not ended
   * @param now milliseconds since 1970
   */
  public @Nullable String stale(Sync sync, long version, boolean clearing, long now) {
    if (stateVersion != version) {
      return "the state has moved on since it was made";
    }
    if (mode != sync.mode() || removal != sync.removal()) {
      return "mode or removal have changed since it was made";
    }
    if (!destination.equals(sync.destination().identity())) {
      return "the destination has changed since it was made";
    }
    Map<String, String> today = definition(sync, fingerprint);
    for (String part : Definitions.OF_DELIVERY) {
      if (!Objects.equals(definition.get(part), today.get(part))) {
        return "the " + part + " has changed since it was made";
      }
    }
    if (now - madeAt >= sync.planExpiry().toMillis()) {
      return "it has expired (planExpiry " + sync.planExpiry() + ")";
    }
    if (clearing && request != PlanRequest.Kind.FILL) {
      return "a clear of the destination was begun since it was made";
    }
    return null;
  }

  /**
   * The definition of a sync over a model with this fingerprint.
   *
   * @param sync as it is now
   * @param fingerprint of the model, as it was read
   */
  public static Map<String, String> definition(Sync sync, String fingerprint) {
    return Definitions.definition(sync, fingerprint, MappingSignature.of(sync.mapping()));
  }

  /**
   * The rules of a run.
   *
   * @param sync whose settings they take in
   * @param mode that of the run
   * @param removal that of the run
   * @param modeBefore that of the run folded last; null if there was none
   * @param removalBefore that of the run folded last; null if there was none
   */
  public static Rules rules(
      Sync sync,
      SyncMode mode,
      Removal removal,
      @Nullable SyncMode modeBefore,
      @Nullable Removal removalBefore) {
    return new Rules(
        mode,
        removal,
        modeBefore == null || (modeBefore == mode && removalBefore == removal),
        sync.quarantineAttempts(),
        sync.quarantineAge(),
        sync.forgetAfter());
  }

  /**
   * What the seed of row hashes is made of: what is stored under another of these equals nothing.
   *
   * @param secret that of the sync
   * @param epoch how often every row was made due again
   * @param sync whose mapping counts
   * @param shape of the model, with the columns that the sync uses
   */
  public static String rowSeed(String secret, long epoch, Sync sync, ModelShape shape) {
    String columns = shape.fingerprint() + MappingSignature.of(sync.mapping());
    return secret + "\n" + epoch + "\n" + columns;
  }

  /**
   * The name under which a run shows in the source.
   *
   * @param sync which one
   * @param run its number
   */
  public static String application(Sync sync, long run) {
    String name = "fulmar " + sync.name() + " " + run;
    return name.length() <= 63 ? name : "fulmar " + sync.name().substring(0, 40) + " " + run;
  }
}
