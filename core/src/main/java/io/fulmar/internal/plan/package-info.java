/**
 * What engines share between a model and the memory of a sync, wherever that memory lives: reading
 * the model in one snapshot ({@link io.fulmar.internal.plan.Snapshots}), what a plan was made under
 * and when it no longer holds ({@link io.fulmar.internal.plan.PlanTerms}).
 */
@NullMarked
package io.fulmar.internal.plan;

import org.jspecify.annotations.NullMarked;
