/** Transactions of the engine: settings that end with them, one clock for all, the server's. */
@NullMarked
package io.fulmar.lightning.internal.database;

import org.jspecify.annotations.NullMarked;
