/**
 * The memory of the standard engine: a directory for each sync, and the change set computed against
 * it in bounded memory. {@link io.fulmar.internal.standard.StandardStore} is the entry.
 *
 * <p>A key belongs to one of 256 partitions by its hash. The state ({@link
 * io.fulmar.internal.standard.StateFile}) is one file in the order of the partitions; rows that are
 * read go into a scratch file by partition ({@link io.fulmar.internal.standard.PartitionedFile});
 * {@link io.fulmar.internal.standard.Diff} joins them partition by partition into a plan ({@link
 * io.fulmar.internal.standard.PlanFiles}); a {@link io.fulmar.internal.standard.Ledger} records
 * what became of each position; {@link io.fulmar.internal.standard.Fold} writes the next state.
 */
@NullMarked
package io.fulmar.internal.standard;

import org.jspecify.annotations.NullMarked;
