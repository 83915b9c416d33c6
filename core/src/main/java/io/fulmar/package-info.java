/**
 * What an application types: a {@link io.fulmar.Source}, a {@link io.fulmar.Model} in it, a {@link
 * io.fulmar.Sync} of that model to a destination, and the {@link io.fulmar.SyncEngine} that runs
 * it.
 */
@NullMarked
package io.fulmar;

import org.jspecify.annotations.NullMarked;
