package io.fulmar.lightning.internal.plan;

import io.fulmar.ChangeSet;

/**
 * What a plan in the making has found. Immutable, but for the samples.
 *
 * @param place where the plan is
 * @param counts what is in it
 * @param rows rows of the model
 * @param invalid rows without a usable key
 * @param samples of both
 * @param way how
 * @param previous whether the plan has what was accepted
 * @param first whether nothing was remembered, see {@link PlanHead.Columns}
 */
record FoundChanges(
    int place,
    PlanCounts counts,
    long rows,
    long invalid,
    PlanSamples samples,
    ChangeSet.Way way,
    boolean previous,
    boolean first) {}
