package io.fulmar.internal.run;

import io.fulmar.ChangeSet;
import io.fulmar.Explanation;
import io.fulmar.HeldChange;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.Sync;
import io.fulmar.SyncStatus;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.spi.CheckSteps;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A store that gives claims and remembers no keys. */
abstract class StoreOfClaims implements SyncStore {
  @Override
  public void forget(Sync sync) {
    throw new UnsupportedOperationException("nothing is remembered here");
  }

  @Override
  public void rebind(Sync sync, String identity) {
    throw new UnsupportedOperationException("nothing is remembered here");
  }

  @Override
  public @Nullable ChangeSet storedPlan(Sync sync) {
    throw new UnsupportedOperationException("nothing is remembered here");
  }

  @Override
  public List<HeldChange> holds(Sync sync, int limit) {
    throw new UnsupportedOperationException("nothing is remembered here");
  }

  @Override
  public Explanation explain(Sync sync, List<String> key) {
    throw new UnsupportedOperationException("nothing is remembered here");
  }

  @Override
  public SyncStatus status(Sync sync) {
    throw new UnsupportedOperationException("nothing is remembered here");
  }

  @Override
  public ModelValidation validate(Model model) {
    throw new UnsupportedOperationException("nothing is read here");
  }

  @Override
  public ModelPreview preview(Model model) {
    throw new UnsupportedOperationException("nothing is read here");
  }

  @Override
  public void check(CheckSteps steps, @Nullable Sync sync) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
