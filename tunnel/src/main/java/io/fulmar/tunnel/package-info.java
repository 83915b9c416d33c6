/**
 * Forward and reverse SSH tunnels for sources that cannot be reached directly. A tunnel supplies
 * the socket of a source's connections and lives as long as the engine that opened it.
 */
@NullMarked
package io.fulmar.tunnel;

import org.jspecify.annotations.NullMarked;
