/**
 * The destination that calls an HTTP API: {@link io.fulmar.internal.http.HttpWriter} does the work
 * for {@link io.fulmar.HttpDestination}.
 */
@NullMarked
package io.fulmar.internal.http;

import org.jspecify.annotations.NullMarked;
