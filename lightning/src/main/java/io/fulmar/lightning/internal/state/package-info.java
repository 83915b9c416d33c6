/** The memory of syncs in tables: who may run which, what is known of a sync besides its keys. */
@NullMarked
package io.fulmar.lightning.internal.state;

import org.jspecify.annotations.NullMarked;
