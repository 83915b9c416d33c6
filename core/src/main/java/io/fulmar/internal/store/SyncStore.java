package io.fulmar.internal.store;

import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.Sync;
import io.fulmar.SyncStatus;

/** Where the memory of syncs lives, and how change sets are computed against it. Threadsafe. */
public interface SyncStore extends AutoCloseable {
  /**
   * Takes the right to run a sync.
   *
   * @throws io.fulmar.AlreadyRunningException if another runner has it
   * @throws io.fulmar.StateException if the state cannot be used for this sync
   */
  Claim claim(Sync sync);

  /** See {@link io.fulmar.SyncEngine#status}. */
  SyncStatus status(Sync sync);

  /** See {@link io.fulmar.SyncEngine#preview}. */
  ModelPreview preview(Model model);

  @Override
  void close();
}
