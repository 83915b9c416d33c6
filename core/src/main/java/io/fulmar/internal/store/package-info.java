/**
 * The seam between what a run does and where its memory lives: {@link
 * io.fulmar.internal.store.SyncStore} is the entry. What is remembered of a key is {@link
 * io.fulmar.internal.store.Memory}; {@link io.fulmar.internal.store.Rules} says what is planned and
 * what becomes of it.
 */
@NullMarked
package io.fulmar.internal.store;

import org.jspecify.annotations.NullMarked;
