/**
 * What a destination implements: {@link io.fulmar.spi.Destination} is the entry, {@link
 * io.fulmar.spi.Writer} does the work, {@link io.fulmar.spi.Delivery} is its answer. Nothing here
 * depends on how runs are made.
 */
@NullMarked
package io.fulmar.spi;

import org.jspecify.annotations.NullMarked;
