/**
 * The comparison: both engines of Fulmar, bare reads and peers do the same job on the same rows,
 * each in a process of its own. {@link io.fulmar.verify.bench.compare.Comparison} starts the
 * processes, {@link io.fulmar.verify.bench.compare.Trial} is what runs in one of them.
 */
@NullMarked
package io.fulmar.verify.bench.compare;

import org.jspecify.annotations.NullMarked;
