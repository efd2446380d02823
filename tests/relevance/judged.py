"""Searches as shoppers type them, and what each of them wants to see first."""

JUDGED = """
name        | vanilla egg white protein     | vanilla-egg-white-protein
name        | basketball                    | basketball
name        | liquid egg white              | liquid-egg-white
name        | salted butter                 | salted-butter
name        | chef's knife                  | chefs-knife-20-cm
name        | chefs knife                   | chefs-knife-20-cm
name        | tennis                        | tennis-racket tennis-balls
two words   | pancake mix                   | farmers-buttermilk-pancake-mix
two words   | protein bar                   | salted-caramel-egg-protein-bar-12-55-g
two words   | lipstick rose                 | rose-petal-lipstick
two words   | leather watch                 | moonphase-leather-watch
two words   | running shoes                 | trail-running-shoes
two words   | green sofa                    | velvet-corner-sofa
two words   | gaming computer               | titan-17-gaming-laptop
two words   | cheese and crisps             | jalapeno-and-cheddar-egg-white-crisps
ingredient  | hazelnuts                     | chocolate-and-hazelnut-egg-white-protein
ingredient  | arabica coffee                | cafe-latte-egg-protein-drink-6-330-ml instant-coffee
ingredient  | xanthan gum                   | vanilla-egg-white-protein creme-brulee-egg-white-protein
ingredient  | stevia                        | vanilla-egg-white-protein creme-brulee-egg-white-protein chocolate-and-hazelnut-egg-white-protein
ingredient  | tarragon                      | omelette-mix-aux-fines-herbes
ingredient  | dates                         | salted-caramel-egg-protein-bar-12-55-g
category    | kitchen accessories           | bamboo-spatula cast-iron-wok citrus-squeezer egg-slicer electric-hand-blender microwave-oven chefs-knife-20-cm glass-storage-jars
category    | furniture                     | oakwood-bed-frame elm-bedside-table velvet-corner-sofa swivel-office-chair bathroom-vanity-with-mirror
category    | jewellery silver              | silver-charm-bracelet pearl-earrings
category    | beauty lumiora                | velvet-lash-mascara rose-petal-lipstick
category    | groceries honey               | wildflower-honey
prefix      | choc                          | chocolate-and-hazelnut-egg-white-protein
prefix      | omel                          | omelette-mix-aux-fines-herbes
prefix      | tennis rac                    | tennis-racket
prefix      | straw                         | strawberries
prefix      | mic                           | microwave-oven
prefix      | sungl                         | round-tortoise-sunglasses aviator-sunglasses
prefix      | egg sh                        | eggypro-shaker-700-ml
left out    | vanila                        | vanilla-egg-white-protein
left out    | basketbal                     | basketball
left out    | omlette                       | omelette-mix-aux-fines-herbes
left out    | bery                          | strawberries
put in      | lipsstick                     | rose-petal-lipstick matte-nude-lipstick
put in      | panncake mix                  | farmers-buttermilk-pancake-mix
put in      | brasss lamp                   | brass-table-lamp
changed     | shaler                        | eggypro-shaker-700-ml
changed     | cucumper                      | cucumber
changed     | tennus balls                  | tennis-balls
changed     | caromel bar                   | salted-caramel-egg-protein-bar-12-55-g
swapped     | hazlenut                      | chocolate-and-hazelnut-egg-white-protein
swapped     | mircowave                     | microwave-oven
swapped     | slamon                        | smoked-salmon-fillet
swapped     | bascket bat                   |
swapped     | cricekt bat                   | cricket-bat
plural      | kiwis                         | kiwi
plural      | strawberry                    | strawberries
plural      | potato                        | potatoes
plural      | apple                         | granny-apples
plural      | watches                       | divers-steel-watch moonphase-leather-watch
plural      | pancakes                      | farmers-buttermilk-pancake-mix
plural      | knives                        |
accents     | creme brulee                  | creme-brulee-egg-white-protein
accents     | jalapeno                      | jalapeno-and-cheddar-egg-white-crisps jalapeno-salsa
accents     | café latte                    | cafe-latte-egg-protein-drink-6-330-ml
accents     | cafe late                     | cafe-latte-egg-protein-drink-6-330-ml
accents     | marea                         | ocean-breeze-eau-de-parfum noir-orchid-eau-de-toilette
accents     | kaffee blum                   | instant-coffee
brand       | fjordland                     | smoked-salmon-fillet
brand       | zephyrion laptop              | aero-14-ultralight-laptop titan-17-gaming-laptop
brand       | stridewell shoes              | trail-running-shoes leather-ankle-boots canvas-sneakers
brand       | voltana                       | electric-hand-blender microwave-oven wireless-earbuds braided-charging-cable selfie-stick
brand       | italy shaker                  | eggypro-shaker-700-ml
unit        | 700ml shaker                  | eggypro-shaker-700-ml
unit        | protein 750g                  | vanilla-egg-white-protein creme-brulee-egg-white-protein chocolate-and-hazelnut-egg-white-protein
unit        | dumbbell 5kg                  | iron-dumbbell-5-kg
unit        | 20cm knife                    | chefs-knife-20-cm
unit        | 12x55g                        |
unit        | 6 x 330 ml                    |
sku         | EGP-VAN-0750                  | vanilla-egg-white-protein
"""
"""The kind of a search, the search, and the products any of which should come first.

Where none is named, it is known that nothing right is found: this table says so, and a test does.
"""
