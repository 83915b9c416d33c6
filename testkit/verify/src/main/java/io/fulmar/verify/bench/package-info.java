/**
 * What Fulmar costs, as ratios between things measured in one run: {@link
 * io.fulmar.verify.bench.Benchmark} is the main class.
 */
@NullMarked
package io.fulmar.verify.bench;

import org.jspecify.annotations.NullMarked;
