package io.fulmar.internal.run;

import io.fulmar.Sync;
import io.fulmar.internal.store.Claim;

/** Two stores behind one: the second for the sync of that name, the first for all others. */
final class TwoStores extends StoreOfClaims {
  private final PlanStore first;
  private final PlanStore second;

  TwoStores(PlanStore first, PlanStore second) {
    this.first = first;
    this.second = second;
  }

  @Override
  public Claim claim(Sync sync, Purpose purpose) {
    return (sync.name().equals("second") ? second : first).claim(sync, purpose);
  }
}
