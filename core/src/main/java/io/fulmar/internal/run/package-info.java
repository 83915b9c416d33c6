/**
 * The steps of a run, the same for every engine: {@link io.fulmar.internal.run.Runner} claims,
 * recovers, plans, guards, delivers and folds against a {@link io.fulmar.internal.store.SyncStore};
 * {@link io.fulmar.internal.run.Delivering} hands batches to lanes and {@link
 * io.fulmar.internal.run.BatchSender} finds out what became of each change.
 */
@NullMarked
package io.fulmar.internal.run;

import org.jspecify.annotations.NullMarked;
