"""What a release is, and how its codes are searched.

Start with `index.store` (publish and open releases), `index.release` (one that is open),
`index.protocol` (what a search backend promises) and `docs/release-format.md`. Importing this
package alone loads nothing else.
"""
