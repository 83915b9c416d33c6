/**
 * What keeps an SSH connection up: {@link io.fulmar.tunnel.internal.link.Link} makes it again when
 * it is lost, {@link io.fulmar.tunnel.internal.link.SharedLink} lets several users have one.
 */
@NullMarked
package io.fulmar.tunnel.internal.link;

import org.jspecify.annotations.NullMarked;
