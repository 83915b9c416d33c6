/**
 * Harnesses that an application or the author of a destination points at a destination: {@link
 * io.fulmar.testkit.harness.CrashSweep} kills processes at every step of a run and looks whether
 * anything is lost or wrongly acknowledged, {@link io.fulmar.testkit.harness.RandomHistories} lets
 * everything happen that may happen to a sync. Both print their seed, and {@code -Dfulmar.seed}
 * replays it. They are for tests: their messages show keys and values of rows.
 */
@NullMarked
package io.fulmar.testkit.harness;

import org.jspecify.annotations.NullMarked;
