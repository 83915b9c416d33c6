/**
 * Talking to PostgreSQL: connecting as a {@link io.fulmar.Source} says, sessions that leave no
 * trace, and errors turned into advice.
 */
@NullMarked
package io.fulmar.internal.postgres;

import org.jspecify.annotations.NullMarked;
