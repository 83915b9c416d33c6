/**
 * What random histories are made of, for every engine: {@link io.fulmar.harness.History} edits a
 * source, runs a sync against a destination that gives random answers, kills it, and holds what
 * happened against {@link io.fulmar.harness.Reference5a}. An engine takes part by a {@link
 * io.fulmar.harness.Subject}. And what public surfaces are held to: {@link
 * io.fulmar.harness.SurfaceContract}.
 */
@NullMarked
package io.fulmar.harness;

import org.jspecify.annotations.NullMarked;
