/** What an SSH server and its user prove who they are with. */
@NullMarked
package io.fulmar.tunnel.internal.keys;

import org.jspecify.annotations.NullMarked;
