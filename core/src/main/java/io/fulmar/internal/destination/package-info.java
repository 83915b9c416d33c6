/**
 * The destination that writes to a PostgreSQL table: {@link
 * io.fulmar.internal.destination.TableWriter} does the work for {@link
 * io.fulmar.PostgresDestination}.
 */
@NullMarked
package io.fulmar.internal.destination;

import org.jspecify.annotations.NullMarked;
